"""The stacks of a run file: which planes were taken, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.planes.heights import above_first

if TYPE_CHECKING:
    from acquire.frame import FrameInfo


def step_um_of(planes: list[FrameInfo]) -> float:
    """Return the distance of the plan's planes, um; 0: there is one, or nobody knows."""
    heights = np.diff([info.position_um[2] for info in planes])
    numbers = np.diff([info.index.z for info in planes])  # more than 1 where some were skipped
    return float(np.median(np.abs(heights / numbers))) if len(heights) else 0.0


def places_of(planes: list[FrameInfo], step_um: float) -> tuple[float, ...]:
    """Return where planes lie, counted in planes of a whole stack."""
    if len(planes) < 2 or step_um <= 0:
        return tuple(float(info.index.z) for info in planes)
    at_um = above_first({info.index.z: info.position_um[2] for info in planes})
    return tuple((at_um / step_um).tolist())


def planes_of(infos: list[FrameInfo]) -> list[FrameInfo]:
    """Return one frame of each plane; the second of an audit is not looked at."""
    first: dict[int, FrameInfo] = {}
    for info in infos:
        first.setdefault(info.index.z, info)
    return [first[z] for z in sorted(first)]
