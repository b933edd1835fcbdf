"""How much light a shot may have: what is asked, within what the last shot vouches for. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import msgspec
from pydantic import BaseModel, Field

from acquire.errors import LightRefused
from acquire.light.frame_bounds import Allowed, lower, within
from acquire.light.where import limits_of, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquire.light.source import LightSource
    from acquire.settings import Limits, Request, Settings


MAX_INTERVAL_S = 30 * 86_400.0  # no wait of a run is longer than 30 days; proposed


class GuardRules(BaseModel, frozen=True, extra="forbid"):
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


class Given(msgspec.Struct, frozen=True):
    """What one light gave to a field in a shot.

    Attributes
    ----------
    dose_j_cm2, n_frames
        Its dose (J/cm2, or relative) in so many lit frames.
    power_fraction
        The strongest that it was in any of them.
    """

    dose_j_cm2: float
    n_frames: int
    power_fraction: float = 0.0


def objection(settings: Settings, rules: GuardRules, config: str = "") -> str:
    """Say what no clock and no focus drive may be told of these settings; empty if all is fine."""
    interval_s = settings.interval_s
    if not 0 <= interval_s <= MAX_INTERVAL_S:  # NaN is in no order
        return f"interval_s must be from 0 to {MAX_INTERVAL_S:.0f} (30 days), got {interval_s}"
    for offset_um in settings.z_um:
        if not abs(offset_um) <= rules.max_offset_um:
            return (
                f"planes must be within {rules.max_offset_um:g} um of the plan's focus "
                f"(max_offset_um, {table('[guard]', config)}), got {offset_um}"
            )
    return ""


def allow(
    request: Request,
    frames: Mapping[str, int],
    channels: Mapping[str, LightSource],
    limits: Mapping[str, Limits],
    last: Mapping[str, Given],
    rules: GuardRules,
    config: str = "",
) -> dict[str, Allowed]:
    """Cut a request down to what each frame of a shot may have, by channel.

    Parameters
    ----------
    frames
        Frames of the shot in each of its channels.
    last
        What each light gave to this field in the last shot that used it.
    config
        Name of the config file that limits and rules were set in, for what is refused.

    Raises
    ------
    LightRefused
        If there is no safe answer: numbers that are none, a light that cannot be made weak enough,
        more light or frames than before without evidence, or no decision for too long.
    """
    if problem := objection(request.settings, rules, config) or _overdue(request, rules, config):
        raise LightRefused(problem)
    lights = {channel: channels[channel] for channel in frames}
    found = {
        channel: within(request, channel, light, limits[light.name], limits_of(light.name, config))
        for channel, light in lights.items()
    }
    for name in dict.fromkeys(light.name for light in lights.values()):
        lit = {
            channel: n_frames
            for channel, n_frames in frames.items()
            if lights[channel].name == name and found[channel].power_fraction > 0
        }
        if lit:
            _check_frames(request, name, sum(lit.values()), last.get(name))
            dose_j_cm2 = sum(n * _dose(found[c], lights[c]) for c, n in lit.items())
            most_j_cm2, because = _ceiling(request, name, limits[name], last.get(name), rules)
            share = most_j_cm2 / dose_j_cm2 if dose_j_cm2 > most_j_cm2 * (1 + 1e-9) else 1.0
            at = limits_of(name, config)
            for channel in lit:
                light = lights[channel]
                found[channel] = lower(found[channel], share, because, light, limits[name], at)
    return found


def _overdue(request: Request, rules: GuardRules, config: str) -> str:
    """Say that no decision came for too long; empty if one did."""
    if request.late <= rules.dark_after:
        return ""
    return (
        f"no decision for {request.late} shots: dark until one comes (dark_after is "
        f"{rules.dark_after}, {table('[guard]', config)})"
    )


def _dose(allowed: Allowed, source: LightSource) -> float:
    return source.dose_j_cm2(allowed.power_fraction, allowed.exposure_ms)


def _vouches_for_nothing(request: Request) -> str:
    """Say why a request may have no more light than before; empty if it may."""
    if request.late:
        return f"no decision came for {request.late} shots"
    return "" if request.has_evidence else f"decision {request.decision_id} has no evidence"


def _check_frames(request: Request, light: str, n_frames: int, last: Given | None) -> None:
    if last is not None and n_frames > last.n_frames and (why := _vouches_for_nothing(request)):
        raise LightRefused(
            f"{n_frames} frames of light {light!r}, and the field's last shot had "
            f"{last.n_frames}: nobody vouches for more ({why})"
        )


def _ceiling(
    request: Request, light: str, limits: Limits, last: Given | None, rules: GuardRules
) -> tuple[float, str]:
    """Return the largest dose that a shot may get of one light, and why."""
    why = _vouches_for_nothing(request)
    if last is None:
        if why:
            raise LightRefused(
                f"nobody vouches for the first light {light!r} of this field ({why})"
            )
        return math.inf, ""
    last_j_cm2 = last.dose_j_cm2
    if request.late > rules.hold_shots:
        return last_j_cm2 * rules.lower_factor, f"no decision for {request.late} shots: lowered"
    if request.late:
        return last_j_cm2, f"no decision for {request.late} shots: held"
    if why:
        return last_j_cm2, "no evidence for more light: held"
    return last_j_cm2 * limits.max_step_up, f"a step up of more than {limits.max_step_up:g} times"
