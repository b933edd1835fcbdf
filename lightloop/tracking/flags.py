"""What was wrong with the shots of a film, told at the end: each trouble once, and where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.doubts import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FEW = 5
"""Up to so many time points are named one by one."""


class Flags:
    """Keeps at which time points of a field the tracker flagged the shot, and with what."""

    def __init__(self) -> None:
        self._at: dict[str, list[int]] = {}
        self._n = 0

    def add(self, t: int, flags: Iterable[str]) -> None:
        """Take in the flags of time point `t`."""
        self._n += 1
        for flag in flags:
            self._at.setdefault(flag, []).append(t)

    def sentences(self, field: str = "") -> list[str]:
        """Return a sentence for each flag; each begins with the name of the `field`, if any."""
        begin = f"{field}, " if field else ""
        return [f"{begin}{self._where(at)}: {sentence(flag)}" for flag, at in self._at.items()]

    def _where(self, at: list[int]) -> str:
        if len(at) <= FEW:
            return f"t = {', '.join(map(str, at))}"
        return f"{len(at)} of {self._n} time points, t = {at[0]} to {at[-1]}"


def missing_before(times: Sequence[int]) -> list[int]:
    """Return how many time points are missing before each one, by the film's usual stride."""
    if len(times) < 3:
        return [0] * len(times)
    strides = np.diff(times)
    usual = max(float(np.median(strides)), 1.0)
    return [0, *(max(round(stride / usual) - 1, 0) for stride in strides.tolist())]
