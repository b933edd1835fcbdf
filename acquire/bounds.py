"""How much light a shot may have: what is asked, cut down to what is allowed. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import msgspec
from pydantic import BaseModel, Field

from acquire.errors import LightRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquire.settings import Limits, Request, Settings
    from acquire.source import LightSource


MAX_INTERVAL_S = 30 * 86_400.0  # no wait of a run is longer than 30 days; proposed


class GuardRules(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """How patient the guard is. All numbers are proposed."""

    hold_shots: Annotated[int, Field(ge=0, le=10_000)] = 2
    """Shots in a row without a decision that still get the light of the last one."""
    lower_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    """After that, each further shot without a decision gets this share of the one before."""
    dark_after: Annotated[int, Field(ge=0, le=10_000)] = 6
    """From more shots in a row without a decision on, there is no light."""
    lease_margin_ms: Annotated[float, Field(ge=10, le=60_000)] = 1000.0
    """How much longer than predicted a lease may last before the keeper turns the light off, ms."""
    frame_margin_ms: Annotated[float, Field(ge=0, le=10_000)] = 100.0
    """The same for each frame of a burst: readout and transfer, ms."""
    switch_allowance_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """Time reserved for commands while light that we blank ourselves is on, ms for each frame."""
    exposure_tolerance: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """How far the exposure read back may be from the one set, as a fraction (or by 0.1 ms)."""
    tries: Annotated[int, Field(ge=2, le=100)] = 4
    """How often the guard tries to go dark before it calls the keeper."""
    max_offset_um: Annotated[float, Field(ge=0, le=10_000)] = 200.0
    """How far from the focus of the plan a plane may be that the settings ask for, um."""


class Allowed(msgspec.Struct, frozen=True):
    """The light of one exposure, and in words why it is not what was asked."""

    exposure_ms: float
    power_fraction: float
    reasons: tuple[str, ...] = ()


class Given(msgspec.Struct, frozen=True):
    """What one light gave to a field in a shot: dose (J/cm2 or relative), and lit frames."""

    dose_j_cm2: float
    n_frames: int


def objection(settings: Settings, rules: GuardRules) -> str:
    """Say what no clock and no focus drive may be told of these settings; empty if all is fine."""
    interval_s = settings.interval_s
    if not 0 <= interval_s <= MAX_INTERVAL_S:  # NaN is in no order
        return f"interval_s must be from 0 to {MAX_INTERVAL_S:.0f} (30 days), got {interval_s}"
    for offset_um in settings.z_um:
        if not abs(offset_um) <= rules.max_offset_um:
            return (
                f"planes must be within {rules.max_offset_um:g} um (max_offset_um) of the plan's "
                f"focus, got {offset_um}"
            )
    return ""


def allow(
    request: Request,
    frames: Mapping[str, int],
    channels: Mapping[str, LightSource],
    limits: Mapping[str, Limits],
    last: Mapping[str, Given],
    rules: GuardRules,
) -> dict[str, Allowed]:
    """Cut a request down to what each frame of a shot may have, by channel.

    Parameters
    ----------
    frames
        Frames of the shot in each of its channels.
    last
        What each light gave to this field in the last shot that used it.

    Raises
    ------
    LightRefused
        If there is no safe answer: numbers that are none, a light that cannot be made weak enough,
        more light or frames than before without evidence, or no decision for too long.
    """
    if problem := objection(request.settings, rules):
        raise LightRefused(problem)
    if request.late > rules.dark_after:
        raise LightRefused(f"no decision for {request.late} shots: dark until one comes")
    within = {
        channel: _within(request, channel, channels[channel], limits[channels[channel].name])
        for channel in frames
    }
    shares: dict[str, tuple[float, str]] = {}
    for light in dict.fromkeys(channels[channel].name for channel in frames):
        lit = {
            channel: n_frames
            for channel, n_frames in frames.items()
            if channels[channel].name == light and within[channel].power_fraction > 0
        }
        if lit:
            _check_frames(request, light, sum(lit.values()), last.get(light))
            dose_j_cm2 = sum(n * _dose(within[c], channels[c]) for c, n in lit.items())
            most_j_cm2, because = _ceiling(request, limits[light], last.get(light), rules)
            is_more = dose_j_cm2 > most_j_cm2 * (1 + 1e-9)
            share = most_j_cm2 / dose_j_cm2 if is_more else 1.0
            shares |= dict.fromkeys(lit, (share, because))
    return {
        channel: _lower(found, *shares[channel], channels[channel], limits[channels[channel].name])
        if channel in shares
        else found
        for channel, found in within.items()
    }


def _dose(allowed: Allowed, source: LightSource) -> float:
    return source.dose_j_cm2(allowed.power_fraction, allowed.exposure_ms)


def _within(request: Request, channel: str, source: LightSource, limits: Limits) -> Allowed:
    """Return the light of one frame within the hard limits."""
    exposure_ms, power = _asked(request, channel)
    if power == 0.0:
        return Allowed(min(exposure_ms, limits.max_exposure_ms), 0.0)
    why: list[str] = []
    if source.is_dimmable:
        power = _clamp_power(power, source, limits, why)
    else:
        exposure_ms, power = _full_power(exposure_ms, power, source, limits, why)
    exposure_ms, power = _clamp_exposure(exposure_ms, power, source, limits, why)
    return Allowed(exposure_ms, power, tuple(why))


def _lower(
    allowed: Allowed, share: float, because: str, source: LightSource, limits: Limits
) -> Allowed:
    """Return the light of one frame that gives at most a share of what it would, as devices can."""
    exposure_ms, power, why = allowed.exposure_ms, allowed.power_fraction, allowed.reasons
    if share < 1:
        why = (*why, because)
        if source.is_dimmable:
            power *= share
        else:
            exposure_ms = source.on_ms(exposure_ms) * share - source.readout_ms
            _check_shortest(exposure_ms, source, limits, because)
    takes = source.takes(power)
    if not takes > 0:
        raise LightRefused(f"light {source.name!r} cannot be made as weak as {power:.3g}")
    return Allowed(exposure_ms, takes, why)


def _check_shortest(exposure_ms: float, source: LightSource, limits: Limits, because: str) -> None:
    """Refuse what a light that cannot be dimmed would have to get as more light than asked."""
    if exposure_ms < limits.min_exposure_ms * (1 - 1e-9):
        raise LightRefused(
            f"light {source.name!r} cannot be dimmed, and {exposure_ms:.3g} ms is below "
            f"min_exposure_ms {limits.min_exposure_ms:g} ({because})"
        )


def _check_frames(request: Request, light: str, n_frames: int, last: Given | None) -> None:
    if last is not None and n_frames > last.n_frames and (request.late or not request.has_evidence):
        raise LightRefused(
            f"{n_frames} frames of light {light!r}, and the field's last shot had "
            f"{last.n_frames}: nobody vouches for more"
        )


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


def _clamp_power(power: float, source: LightSource, limits: Limits, why: list[str]) -> float:
    most = min(1.0, limits.max_power_fraction)
    if power > most:
        why.append(f"power {power:.3g} is above the limit {most:.3g}")
        power = most
    found = source.highest_w_cm2(power)
    if source.is_calibrated and found > limits.max_irradiance_w_cm2:
        why.append(
            f"{found:.3g} W/cm2 is above max_irradiance_w_cm2 {limits.max_irradiance_w_cm2:.3g}"
        )
        power *= limits.max_irradiance_w_cm2 / found
    return power


def _full_power(
    exposure_ms: float, power: float, source: LightSource, limits: Limits, why: list[str]
) -> tuple[float, float]:
    """Give a light that knows only on and off its dose by time."""
    if limits.max_power_fraction < 1 or (
        source.is_calibrated and source.highest_w_cm2(1.0) > limits.max_irradiance_w_cm2
    ):
        raise LightRefused(
            f"light {source.name!r} cannot be dimmed, and its full power is above the limits"
        )
    because = "that is what was asked for"
    if power < 1:
        because = f"light {source.name!r} cannot be dimmed to {power:.3g}: exposed shorter"
        why.append(because)
        exposure_ms = source.on_ms(exposure_ms) * power - source.readout_ms
    elif power > 1:
        why.append(f"power {power:.3g} is above the limit 1")
    _check_shortest(exposure_ms, source, limits, because)
    return exposure_ms, 1.0


def _clamp_exposure(
    exposure_ms: float, power: float, source: LightSource, limits: Limits, why: list[str]
) -> tuple[float, float]:
    if exposure_ms > limits.max_exposure_ms:
        why.append(f"{exposure_ms:.4g} ms is above max_exposure_ms {limits.max_exposure_ms:g}")
        return limits.max_exposure_ms, power
    if exposure_ms < limits.min_exposure_ms:
        why.append(f"{exposure_ms:.4g} ms is below min_exposure_ms {limits.min_exposure_ms:g}")
        # The same dose, by weaker light; a light that cannot be dimmed was refused (`_full_power`).
        power *= source.on_ms(exposure_ms) / source.on_ms(limits.min_exposure_ms)
        return limits.min_exposure_ms, power
    return exposure_ms, power


def _ceiling(
    request: Request, limits: Limits, last: Given | None, rules: GuardRules
) -> tuple[float, str]:
    """Return the largest dose that a shot may get of one light, and why."""
    if last is None:
        if request.late or not request.has_evidence:
            raise LightRefused("nobody vouches for the first light of this field")
        return math.inf, ""
    last_j_cm2 = last.dose_j_cm2
    if request.late > rules.hold_shots:
        return last_j_cm2 * rules.lower_factor, f"no decision for {request.late} shots: lowered"
    if request.late:
        return last_j_cm2, f"no decision for {request.late} shots: held"
    if not request.has_evidence:
        return last_j_cm2, "no evidence for more light: held"
    return last_j_cm2 * limits.max_step_up, f"a step up of more than {limits.max_step_up:g} times"
