"""Everything a policy may look at, recorded with each result so that a replay can repeat it."""

from __future__ import annotations

import msgspec

from acquire.settings import Applied


class Trust(msgspec.Struct, frozen=True, gc=False):
    """How far the restored image can be believed (`models.residuals`), and the verdict.

    Attributes
    ----------
    mean_z, var_z, corr1
        Mean, mean square and nearest-neighbour correlation of the residual in units of camera
        noise; expected 0, 1 and 0.
    frac_bad
        Share of 16 x 16 blocks whose mean residual is beyond 4 sigma.
    invented, missed_share
        Largest matched-filter response of signal that the network added, sigma; share of pixels
        where it removed signal beyond 4 sigma.
    is_trusted, why
        The verdict, and what spoke against it.
    focus
        Sharpness, as a share of what is usual in this field (`realtime.judging.focus`); 0 if not
        measured.
    expected_rmse_e, rmse_low_e, rmse_high_e
        Root-mean-square error of the restored image in cells that is to be expected, and the
        interval that holds it four times out of five, photo-electrons (`models.conformal`); 0 where
        the network has no scale for it.
    background_rmse_e, background_low_e, background_high_e
        The same in the background.
    audit_rmse_e, audit_low_e, audit_high_e, audits
        The error in cells that pairs of frames found in this field, its interval, and how many
        pairs (`models.audit`); 0 where there was none. Errors found in other light are told for
        this frame's, in proportion to what is expected.
    audit_void
        Why the audit of this shot counts for nothing; empty if it counts, or the shot is none.
    flags
        Everything that spoke against the image, as short codes (`models.residuals.Reason` and
        `realtime.trust`); `why` explains the first.
    """

    mean_z: float = 0.0
    var_z: float = 1.0
    corr1: float = 0.0
    frac_bad: float = 0.0
    invented: float = 0.0
    missed_share: float = 0.0
    is_trusted: bool = False
    why: str = "not judged"
    focus: float = 0.0
    expected_rmse_e: float = 0.0
    rmse_low_e: float = 0.0
    rmse_high_e: float = 0.0
    background_rmse_e: float = 0.0
    background_low_e: float = 0.0
    background_high_e: float = 0.0
    audit_rmse_e: float = 0.0
    audit_low_e: float = 0.0
    audit_high_e: float = 0.0
    audits: int = 0
    flags: tuple[str, ...] = ()
    audit_void: str = ""


class StackSeen(msgspec.Struct, frozen=True):
    """Which planes of a stack were taken, and how wrong drawn ones are (`realtime.planes.watch`).

    Attributes
    ----------
    taken
        Their numbers in the plan, of the channel that is followed.
    compared
        Planes of this stack that were compared with what would have been drawn in their place; if
        none was, the numbers below are 0.
    share, low, high
        The error of drawn planes over the contrast (standard deviation) of the sample, and the
        interval that holds it four times out of five; of this field, old planes count less.
    weight
        How much of the network's correction to the blend of its neighbours is right, 0 to 1.
    error_e, blend_error_e
        Root-mean-square error of the network's planes, and of plain blends, photo-electrons.
    trouble
        Why nothing can be compared, or drawn, any more; empty if all is well.
    """

    taken: tuple[int, ...]
    compared: int = 0
    share: float = 0.0
    low: float = 0.0
    high: float = 0.0
    weight: float = 0.0
    error_e: float = 0.0
    blend_error_e: float = 0.0
    trouble: str = ""


class HeightsSeen(msgspec.Struct, frozen=True):
    """How high the confirmed cells of a stack lie, um from the plan's first plane.

    Attributes
    ----------
    low_um, middle_um, high_um
        Eight of ten cells lie between the first and the last of these; the median.
    sigma_um
        Standard deviation of the height of one cell, median.
    """

    low_um: float
    middle_um: float
    high_um: float
    sigma_um: float


class Observation(msgspec.Struct, frozen=True):
    """What was seen in one shot of one field.

    Attributes
    ----------
    t_s
        Experiment time of the shot, s.
    applied
        The light that was really used, one entry for each channel.
    n_tracks, n_confirmed
        Cells that are followed, and those seen often enough to be believed.
    snr
        Median over confirmed cells of signal over noise of the mean signal in the cell; 0 without
        cells.
    signal_e, background_e
        Median over cells of photo-electrons a pixel above background; median of the background.
    saturated_fraction
        Share of clipped pixels.
    n_divisions
        Divisions that were seen at this shot, provisional ones included.
    motion_px
        Median displacement of confirmed cells since the last shot, pixels.
    dose_j_cm2
        Dose of the field so far for each light, J/cm2 or relative units.
    n_found, found_snr, found_signal_e
        The same of everything that was found in this very shot, believed or not: how many, median
        SNR, median signal in photo-electrons a pixel.
    stack
        The planes, where some may be skipped and drawn instead; else None.
    heights
        How high the cells lie; None where the shot is no stack, or no cell is confirmed.
    kinds
        How many of the confirmed cells are expected to be of each kind, by its name: the sum of
        their probabilities; empty without a classifier.
    """

    shot: int
    position: int
    t_s: float
    seqs: tuple[int, ...]
    applied: tuple[Applied, ...]
    n_tracks: int
    n_confirmed: int
    snr: float
    signal_e: float
    background_e: float
    saturated_fraction: float
    n_divisions: int
    motion_px: float
    trust: Trust
    dose_j_cm2: dict[str, float] = {}
    n_found: int = 0
    found_snr: float = 0.0
    found_signal_e: float = 0.0
    stack: StackSeen | None = None
    heights: HeightsSeen | None = None
    kinds: dict[str, float] = {}
