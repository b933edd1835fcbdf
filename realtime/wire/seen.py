"""What the worker saw in a shot: cells, events, images, doses."""

from __future__ import annotations

import msgspec

from realtime.policy.observation import Observation
from realtime.wire.session import RingInfo


class Tracks(msgspec.Struct, frozen=True, gc=False):
    """Every cell that is followed at one shot, as columns of equal length.

    Attributes
    ----------
    ids, parents
        Identity, and the mother's (-1: none).
    y_px, x_px
        Where the cell is, pixels of the raw frame.
    vy_px, vx_px
        Motion for each shot, pixels.
    ages, missed
        Shots since birth, and shots in a row without a detection.
    photons, area_px
        Photo-electrons above background summed over the cell, and its area.
    course_y_px, course_x_px
        How far the cell is expected to go in a shot, pixels (`realtime.tracker.forecast`).
    spread_px
        Standard deviation of its next place on each axis, pixels.
    certainty
        Probability that its last link is right.
    margin
        How much better the chosen explanation of the cell is than all others, nats.
    trend
        Change of its brightness a shot, as a share, beyond that of all cells: biology, not
        bleaching.
    since_division
        Shots since it was born of a division; -1: not seen to divide.
    z_px, course_z_px
        In a stack only: height, pixels of the plane, and expected change.
    spread_z_px
        In a stack only: standard deviation of its next height, pixels of the plane.
    classes
        Probability of each kind for each cell, by all shots so far; none without a classifier.
    kinds
        Names of the kinds, in the order of `classes`.
    z_sd_px
        In a stack only: standard deviation of the height, pixels of the plane; of a cell that was
        missed, of where it is expected.
    n_wrong_links
        Links of this shot that are expected to be wrong.
    fading
        Change of the brightness of all cells a shot, as a share: bleaching and dimming.
    flags
        What is wrong with the shot, as short codes (`realtime.tracker.doubts`).
    """

    ids: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    y_px: tuple[float, ...] = ()
    x_px: tuple[float, ...] = ()
    vy_px: tuple[float, ...] = ()
    vx_px: tuple[float, ...] = ()
    ages: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    photons: tuple[float, ...] = ()
    area_px: tuple[float, ...] = ()
    course_y_px: tuple[float, ...] = ()
    course_x_px: tuple[float, ...] = ()
    spread_px: tuple[float, ...] = ()
    certainty: tuple[float, ...] = ()
    margin: tuple[float, ...] = ()
    trend: tuple[float, ...] = ()
    since_division: tuple[int, ...] = ()
    z_px: tuple[float, ...] = ()
    course_z_px: tuple[float, ...] = ()
    n_wrong_links: float = 0.0
    fading: float = 0.0
    flags: tuple[str, ...] = ()
    spread_z_px: tuple[float, ...] = ()
    classes: tuple[tuple[float, ...], ...] = ()
    kinds: tuple[str, ...] = ()
    z_sd_px: tuple[float, ...] = ()


class TrackEvent(msgspec.Struct, frozen=True, gc=False):
    """Something happened to a cell; provisional until it is final.

    Attributes
    ----------
    kind
        "birth", "division", "end"; "merge": the cell is hidden in another one (its `parent_id`);
        "split": it has come out of it again; "withdrawn": its open event did not happen after all.
    """

    kind: str
    track_id: int
    parent_id: int = -1
    is_final: bool = False


class RestoredSlot(msgspec.Struct, frozen=True):
    """Where the restored image of a frame lies in the worker's ring, float32 photo-electrons.

    `xxh3` is the xxh3-64 of its bytes where it is recorded; 0: nobody took it.
    """

    ring: RingInfo
    slot: int
    generation: int
    height: int
    width: int
    xxh3: int = 0


class Picture(msgspec.Struct, frozen=True):
    """An image of a shot that is for the eye alone: no decision was made by it.

    Attributes
    ----------
    kind
        "superres", "esrrf": twice as many pixels along both axes, by a network, or without
        learning from the newest frames; "axial": a plane that was not taken.
    z
        Where it lies, in planes of the shot: 2.5 is midway between the third and the fourth.
    model_id
        Network and engine that made it, or how many frames of which statistic.
    slot
        Where its pixels lie, photo-electrons.
    rmse_e, rmse_low_e, rmse_high_e
        Error to be expected in its cells, photo-electrons a pixel of the camera, and its 80 %
        interval as simulated images have it; 0 if nothing is known of it.
    """

    kind: str
    z: float
    model_id: str
    slot: RestoredSlot
    rmse_e: float = 0.0
    rmse_low_e: float = 0.0
    rmse_high_e: float = 0.0


class StepTimes(msgspec.Struct, frozen=True, gc=False):
    """Time that each step took, ns of the host's clock; never an input of a decision."""

    restore_ns: int = 0
    detect_ns: int = 0
    track_ns: int = 0
    judge_ns: int = 0
    decide_ns: int = 0
    total_ns: int = 0


class CellDoses(msgspec.Struct, frozen=True, gc=False):
    """Light of every cell that is followed at one shot, in the order of its tracks.

    Attributes
    ----------
    dose
        By line, J/cm2 or relative; lines are not added up.
    damage
        All lines weighted by their harm, J/cm2 of UV-equivalent light (`acquire.dose.action`).
    """

    ids: tuple[int, ...] = ()
    dose: dict[str, tuple[float, ...]] = {}
    damage: tuple[float, ...] = ()


class Recalled(msgspec.Struct, frozen=True, gc=False):
    """What a worker that has started knew of a field before it saw its first shot.

    Attributes
    ----------
    shot
        The field's last shot that is known; -1: nothing is, and all its cells are new.
    first_name
        New cells have names from here on; 0 for the first worker of a run.
    learnt
        Who else went on with what was learnt of the field: "policy", "focus".
    """

    shot: int = -1
    first_name: int = 0
    learnt: tuple[str, ...] = ()


class Result(msgspec.Struct, frozen=True, tag="result"):
    """What was seen in a shot. `observation` holds every number that the policy saw.

    Attributes
    ----------
    cell_dose
        What each cell has taken in this run; None where cells are not followed.
    is_fresh
        The worker has just started: its policy and its tracker knew nothing before this shot but
        what `recalled` says.
    model_id
        Network and engine that restored the frame; empty without one.
    pictures
        Images of the shot for viewers, beside the restored one.
    recalled
        In a worker's first answer on a field: what it knew of it.
    """

    shot: int
    position: int
    seqs: tuple[int, ...]
    observation: Observation
    tracks: Tracks
    events: tuple[TrackEvent, ...] = ()
    model_id: str = ""
    restored: RestoredSlot | None = None
    times: StepTimes = StepTimes()
    is_fresh: bool = False
    cell_dose: CellDoses | None = None
    pictures: tuple[Picture, ...] = ()
    recalled: Recalled | None = None
