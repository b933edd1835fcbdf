"""The walk through a light's powers, with a meter at the sample."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from acquire.errors import CalibrationRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.calibrating.calibration_light import Exposer
    from acquire.light.lease import Lease


class Meter(Protocol):
    """A power meter at the sample, or a person who reads one."""

    name: str

    def watch(self, command: float, hold_s: float, *, is_lit: bool) -> None:
        """Look at it; called while the light is on for so long, and must return before it ends."""
        ...

    def reading_mw(self, command: float) -> float:
        """Return what it showed, mW; called in the dark."""
        ...


def walk_power(
    exposer: Exposer, commands: tuple[tuple[float, float], ...], hold_ms: float, frames: int,
    meter: Meter,
) -> tuple[tuple[tuple[float, float], ...], float]:  # fmt: skip
    """Walk through powers, up and down again, and return the readings and the meter's zero.

    Parameters
    ----------
    commands
        Command in the device's units, and the same as a fraction of the maximum, rising from off.
    hold_ms, frames
        The light of each step: so many exposures of this length, ms.

    Returns
    -------
    tuple
        (command, mW) of each reading, the zero taken off; and the zero, mW.
    """
    hold_s = hold_ms * frames * 1e-3
    zeros: list[tuple[float, float]] = []
    readings: list[tuple[float, float]] = []
    for command, fraction in (*commands, *reversed(commands)):
        exposer.take(hold_ms, fraction, frames, watch=_watching(meter, command, hold_s, fraction))
        mw = meter.reading_mw(command)
        if not math.isfinite(mw):
            raise CalibrationRefused(f"the meter's reading at {command:g} is no number: {mw}")
        (readings if fraction else zeros).append((command, mw))
    zero = sum(mw for _, mw in zeros) / max(1, len(zeros))
    return tuple((command, mw - zero) for command, mw in (*zeros, *readings)), zero


def _watching(
    meter: Meter, command: float, hold_s: float, fraction: float
) -> Callable[[Lease], None]:
    return lambda _: meter.watch(command, hold_s, is_lit=fraction > 0)
