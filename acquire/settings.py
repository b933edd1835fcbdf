"""What is asked of the microscope, what bounds it, and what it really did."""

from __future__ import annotations

import msgspec


class ChannelSettings(msgspec.Struct, frozen=True):
    """The light of one channel.

    Attributes
    ----------
    channel
        Name of the channel, as declared in the run config.
    exposure_ms
        Camera exposure, ms.
    power_fraction
        Command of the channel's light source, as a fraction of its declared maximum, 0 to 1.
    """

    channel: str
    exposure_ms: float
    power_fraction: float


class Settings(msgspec.Struct, frozen=True):
    """What the next shot should use.

    Attributes
    ----------
    channels
        One entry for each channel of the plan, in the plan's order.
    z_um
        Planes relative to the focus, um; empty means the plan's own planes.
    interval_s
        Time to the next shot of the same field in experiment time, s; 0 means the plan's own.
    roi
        x, y, width, height in camera pixels; empty means the whole chip. Not followed yet.
    binning
        Camera binning factor. The guard refuses what asks for another: not followed yet.
    """

    channels: tuple[ChannelSettings, ...]
    z_um: tuple[float, ...] = ()
    interval_s: float = 0.0
    roi: tuple[int, ...] = ()
    binning: int = 1

    def of(self, channel: str) -> ChannelSettings:
        """Return the entry of one channel.

        Raises
        ------
        KeyError
            If the settings do not speak of the channel.
        """
        for entry in self.channels:
            if entry.channel == channel:
                return entry
        raise KeyError(channel)


class Request(msgspec.Struct, frozen=True):
    """All that the guard sees of a decision.

    Attributes
    ----------
    decision_id
        The decision that asks; -1 for the run's first settings.
    valid_until_ns
        Host clock (`perf_counter_ns`) after which the request is refused; 0 means never.
    has_evidence
        False forbids more light, and more frames, than the field's last shot had: nobody vouches
        for the need.
    late
        Shots in a row for which no decision came in time; the loop lowers the light with it.
    """

    settings: Settings
    decision_id: int
    valid_until_ns: int = 0
    has_evidence: bool = True
    late: int = 0


class Limits(msgspec.Struct, frozen=True):
    """Hard bounds on one light line. They come from the config, never from a policy.

    Attributes
    ----------
    min_exposure_ms, max_exposure_ms
        Bounds of a single exposure, ms.
    max_power_fraction
        Bound of the source's command, as a fraction of its declared maximum.
    max_irradiance_w_cm2
        Bound at the sample, W/cm2 (ignored where the source is not calibrated).
    max_step_up
        Largest factor by which the dose of a shot may exceed that of the field's last one (slew).
    budget_j_cm2
        Dose that each field may take in the whole run, J/cm2 (relative units where the source
        is not calibrated).
    """

    min_exposure_ms: float
    max_exposure_ms: float
    max_power_fraction: float
    budget_j_cm2: float
    max_irradiance_w_cm2: float = float("inf")
    max_step_up: float = float("inf")


class Applied(msgspec.Struct, frozen=True):
    """What one exposure really used: commanded, read back, and booked.

    Attributes
    ----------
    exposure_ms, exposure_read_ms
        Camera exposure as commanded and as the camera reports it, ms.
    power_fraction, power_read_fraction
        Command of the source and what the source reports, fraction of the maximum.
    wavelength_nm
        Wavelength of the source, nm.
    irradiance_w_cm2, dose_j_cm2
        At the sample: W/cm2 and J/cm2 of this exposure; relative units if not `calibrated`.
    decision_id, late
        The decision in force (-1: the first settings), and shots in a row without a new one.
    clamped
        Why the guard gave less than was asked, in plain words; empty if it did not.
    """

    channel: str
    light: str
    wavelength_nm: float
    exposure_ms: float
    exposure_read_ms: float
    power_fraction: float
    power_read_fraction: float
    irradiance_w_cm2: float
    dose_j_cm2: float
    calibrated: bool
    decision_id: int
    late: int = 0
    clamped: str = ""
