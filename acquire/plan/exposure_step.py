"""Exposures in steps: a spinning disk's image is even only after whole turns of its pattern."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import LightRefused

if TYPE_CHECKING:
    from acquire.light.frame_bounds import Allowed
    from acquire.light.source import LightSource
    from acquire.settings import Limits


def on_step(allowed: Allowed, step_ms: float, source: LightSource, limits: Limits) -> Allowed:
    """Return the exposure as a multiple of a step, never with more light than before.

    It is rounded down; where that would be too short, up, by weaker light for the same dose.

    Parameters
    ----------
    step_ms
        Exposures are multiples of this, ms.

    Raises
    ------
    LightRefused
        If no multiple is within the limits, or the light cannot be made weaker for a longer one.
    """
    asked_ms, power = allowed.exposure_ms, allowed.power_fraction
    steps = math.floor(asked_ms / step_ms + 1e-9)
    exposure_ms = steps * step_ms
    if steps > 0 and math.isclose(exposure_ms, asked_ms, rel_tol=1e-9):
        return allowed
    shortest_ms = max(1, math.ceil(limits.min_exposure_ms / step_ms - 1e-9)) * step_ms
    if exposure_ms < shortest_ms:
        exposure_ms = shortest_ms
        power = _weaker(power, asked_ms, exposure_ms, source, limits)
    why = f"{asked_ms:.4g} ms is no multiple of exposure_step_ms {step_ms:g}: {exposure_ms:.4g} ms"
    return msgspec.structs.replace(
        allowed, exposure_ms=exposure_ms, power_fraction=power, reasons=(*allowed.reasons, why)
    )


def _weaker(
    power: float, asked_ms: float, exposure_ms: float, source: LightSource, limits: Limits
) -> float:
    """Return the power that gives the same dose, or less, in a longer exposure."""
    if exposure_ms > limits.max_exposure_ms * (1 + 1e-9):
        raise LightRefused(
            f"no multiple of exposure_step_ms is from {limits.min_exposure_ms:g} to "
            f"{limits.max_exposure_ms:g} ms, the limits of light {source.name!r}"
        )
    if power == 0.0:
        return power
    weaker = source.takes(power * source.on_ms(asked_ms) / source.on_ms(exposure_ms))
    if not source.is_dimmable or not weaker > 0:
        raise LightRefused(
            f"{asked_ms:.4g} ms is below one exposure_step_ms, and light {source.name!r} cannot be "
            f"made weaker for {exposure_ms:.4g} ms"
        )
    return weaker
