"""How much light one frame may have: what is asked, within the hard limits of its light. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import LightRefused

if TYPE_CHECKING:
    from acquire.light.source import LightSource
    from acquire.settings import Limits, Request


class Allowed(msgspec.Struct, frozen=True):
    """The light of one exposure, and in words why it is not what was asked."""

    exposure_ms: float
    power_fraction: float
    reasons: tuple[str, ...] = ()


def within(request: Request, channel: str, source: LightSource, limits: Limits, at: str) -> Allowed:
    """Return the light of one frame within the hard limits.

    Parameters
    ----------
    at
        Where the limits were set, in words (`acquire.light.where`).

    Raises
    ------
    LightRefused
        If it asks for what is no light, or for a light that cannot be made weak enough.
    """
    exposure_ms, power = _asked(request, channel)
    if power == 0.0:
        return Allowed(min(exposure_ms, limits.max_exposure_ms), 0.0)
    why: list[str] = []
    if source.is_dimmable:
        power = _clamp_power(power, source, limits, at, why)
    else:
        exposure_ms, power = _full_power(exposure_ms, power, source, limits, at, why)
    exposure_ms, power = _clamp_exposure(exposure_ms, power, source, limits, at, why)
    return Allowed(exposure_ms, power, tuple(why))


def lower(
    allowed: Allowed, share: float, because: str, source: LightSource, limits: Limits, at: str
) -> Allowed:
    """Return the light of one frame that gives at most a share of what it would, as devices can.

    Raises
    ------
    LightRefused
        If the light cannot be made as weak, or as short.
    """
    exposure_ms, power, why = allowed.exposure_ms, allowed.power_fraction, allowed.reasons
    if not share >= 1:  # a share that is no number is none
        why = (*why, because)
        if source.is_dimmable:
            power *= share
        else:
            exposure_ms = source.on_ms(exposure_ms) * share - source.readout_ms
            _check_shortest(exposure_ms, source, limits, because, at)
    takes = source.takes(power)
    if not takes > 0:
        raise LightRefused(
            f"light {source.name!r} cannot be made as weak as {power:.3g}: its power_step is "
            f"{source.power_step:g} of {source.maximum:g} ({at.removeprefix('limits of ')})"
        )
    return Allowed(exposure_ms, takes, why)


def _asked(request: Request, channel: str) -> tuple[float, float]:
    try:
        entry = request.settings.of(channel)
    except KeyError:
        raise LightRefused(f"the request does not speak of channel {channel!r}") from None
    if request.settings.roi or request.settings.binning != 1:
        raise LightRefused("region and binning cannot be changed during a run: leave them out")
    exposure_ms, power = entry.exposure_ms, entry.power_fraction
    if not (math.isfinite(exposure_ms) and exposure_ms > 0):
        raise LightRefused(f"exposure must be a number above 0 ms, got {exposure_ms}")
    if not (math.isfinite(power) and power >= 0):
        raise LightRefused(f"power must be a number from 0 to 1, got {power}")
    return exposure_ms, power


def _clamp_power(
    power: float, source: LightSource, limits: Limits, at: str, why: list[str]
) -> float:
    most = min(1.0, limits.max_power_fraction)
    if power > most:
        why.append(f"power {power:.3g} is above max_power_fraction {most:.3g} ({at})")
        power = most
    found = source.highest_w_cm2(power)
    if source.is_calibrated and found > limits.max_irradiance_w_cm2:
        why.append(
            f"{found:.3g} W/cm2 is above max_irradiance_w_cm2 {limits.max_irradiance_w_cm2:.3g} "
            f"({at})"
        )
        power *= limits.max_irradiance_w_cm2 / found
    return power


def _full_power(
    exposure_ms: float, power: float, source: LightSource, limits: Limits, at: str, why: list[str]
) -> tuple[float, float]:
    """Give a light that knows only on and off its dose by time."""
    bound = ""
    if limits.max_power_fraction < 1:
        bound = f"full power is above max_power_fraction {limits.max_power_fraction:.3g}"
    elif source.is_calibrated and source.highest_w_cm2(1.0) > limits.max_irradiance_w_cm2:
        bound = (
            f"{source.highest_w_cm2(1.0):.3g} W/cm2 are above max_irradiance_w_cm2 "
            f"{limits.max_irradiance_w_cm2:.3g}"
        )
    if bound:
        raise LightRefused(f"light {source.name!r} cannot be dimmed, and its {bound} ({at})")
    because = "that is what was asked for"
    if power < 1:
        because = f"light {source.name!r} cannot be dimmed to {power:.3g}: exposed shorter"
        why.append(because)
        exposure_ms = source.on_ms(exposure_ms) * power - source.readout_ms
    elif power > 1:
        why.append(f"power {power:.3g} is above 1, which is all that light {source.name!r} has")
    _check_shortest(exposure_ms, source, limits, because, at)
    return exposure_ms, 1.0


def _check_shortest(
    exposure_ms: float, source: LightSource, limits: Limits, because: str, at: str
) -> None:
    """Refuse what a light that cannot be dimmed would have to get as more light than asked."""
    if not exposure_ms >= limits.min_exposure_ms * (1 - 1e-9):
        raise LightRefused(
            f"light {source.name!r} cannot be dimmed, and {exposure_ms:.3g} ms is below "
            f"min_exposure_ms {limits.min_exposure_ms:g} ({at}; {because})"
        )


def _clamp_exposure(
    exposure_ms: float, power: float, source: LightSource, limits: Limits, at: str, why: list[str]
) -> tuple[float, float]:
    most_ms, least_ms = limits.max_exposure_ms, limits.min_exposure_ms
    if exposure_ms > most_ms:
        why.append(f"{exposure_ms:.4g} ms is above max_exposure_ms {most_ms:g} ({at})")
        return most_ms, power
    if exposure_ms < least_ms:
        why.append(f"{exposure_ms:.4g} ms is below min_exposure_ms {least_ms:g} ({at})")
        # The same dose, by weaker light; a light that cannot be dimmed was refused (`_full_power`).
        return least_ms, power * source.on_ms(exposure_ms) / source.on_ms(least_ms)
    return exposure_ms, power
