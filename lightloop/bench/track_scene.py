"""Detections of cells whose fate is known: what a tracker is given, and what it should find."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scene:
    """What a detector finds in each frame, and who it really was.

    Attributes
    ----------
    places
        y, x in px, (M, 2) for each frame.
    areas
        px, (M,) for each frame.
    truth
        True identity of each detection, (M,) for each frame; -1: a false detection.
    mothers
        The mother of each daughter.
    """

    name: str
    places: list[NDArray[np.float64]] = field(default_factory=list)
    areas: list[NDArray[np.float64]] = field(default_factory=list)
    truth: list[NDArray[np.int64]] = field(default_factory=list)
    mothers: dict[int, int] = field(default_factory=dict)

    def without(self, share: float, seed: int) -> Scene:
        """Return the scene with a share of its detections missed at random."""
        rng = np.random.default_rng(seed)
        kept = [rng.random(len(truth)) >= share for truth in self.truth]
        return replace(
            self,
            name=f"{self.name}, {share:.0%} dropped",
            places=[p[k] for p, k in zip(self.places, kept, strict=True)],
            areas=[a[k] for a, k in zip(self.areas, kept, strict=True)],
            truth=[t[k] for t, k in zip(self.truth, kept, strict=True)],
        )

    def half(self, side: Literal["left", "right"]) -> Scene:
        """Return the detections left or right of the middle: one half to tune on, one to test."""
        middle = float(np.median(np.concatenate([p[:, 1] for p in self.places])))
        inside = [(p[:, 1] < middle) == (side == "left") for p in self.places]
        return replace(
            self,
            name=f"{self.name}, {side} half",
            places=[p[k] for p, k in zip(self.places, inside, strict=True)],
            areas=[a[k] for a, k in zip(self.areas, inside, strict=True)],
            truth=[t[k] for t, k in zip(self.truth, inside, strict=True)],
        )
