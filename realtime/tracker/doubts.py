"""What is wrong with a shot: said in short codes, and kept from doing harm.

A flood of detections costs no more time than the cells that are followed; where links are hardly
better than chance, nobody divides and no upheaval is searched for.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detections import Detections
    from realtime.tracker.cells import Found

FLOOD, CHANCE, JUMPED, REPEATED = "flood", "chance", "jumped", "repeated"
NOT_NUMBERS, GAP, LATE, RESIZED = "not-numbers", "gap", "late", "resized"

SENTENCES = {
    FLOOD: "far more things were found than there are cells: known cells are followed, nobody is "
    "born and nobody divides; look at the light, the focus and the detector's false_alarms",
    CHANCE: "cells are hardly told from each other: many links are guesses, and no division is "
    "believed; images oftener, or fewer false detections, would help",
    JUMPED: "the whole field, or a part of it, moved as cells do not: a bumped stage?",
    REPEATED: "the same image came twice: nothing was learnt from it",
    NOT_NUMBERS: "a part of the image holds no numbers: it was left out",
    GAP: "shots are missing: cells are looked for farther off",
    LATE: "a shot came after a later one: it was left out",
    RESIZED: "the images have another size than before: cells have new names from here on",
}
"""What each flag of `realtime.wire.Tracks.flags` means, for the person at the scope."""
UNTRUSTED = frozenset({FLOOD, CHANCE, REPEATED, NOT_NUMBERS, LATE, RESIZED})
"""Flags with which nothing that was seen may decide on the light: an image that does not change
would ask for more and more."""

_MOST_OVER, _MOST_EXTRA = 4.0, 500
"""Detections beyond so many times the cells, and so many more, are a flood (proposed)."""
_SAMPLE = 500
"""Detections of a flood that are remembered, to see whether they stay where they are."""
_STAYS = 0.3
"""What stays so near, over the distance of neighbours, may be a cell (proposed)."""
_REAL = 0.4
"""Share of a flood, beyond chance, that must have stayed if it is cells (proposed)."""
_NEAR = 3
"""Detections of a flood that are kept for each cell (proposed)."""
_GUESSED = 0.25
"""Share of links that are expected to be wrong from which a shot is one of chance: in noise it is
0.27 to 0.51, on all real sets of the bench below 0.21 (measured)."""
_FEWEST = 20
"""Links without which nobody can tell."""


def real_ones(detections: Detections) -> tuple[Detections, NDArray[np.intp] | None]:
    """Return the detections that can be some, and which they are; None: all.

    Their place, size and brightness are numbers, and no size is below 0.
    """
    columns = [detections.y_px, detections.x_px, detections.area_px, detections.photons]
    if detections.z_px is not None:
        columns.append(detections.z_px)
    good = np.asarray(np.isfinite(np.column_stack(columns)).all(axis=1))
    good &= np.asarray(detections.area_px) >= 0
    if good.all():
        return detections, None
    some: dict[str, Any] = {
        name: value[good]
        for name in detections.__dataclass_fields__
        if isinstance(value := getattr(detections, name), np.ndarray)
    }
    return replace(detections, **some), good.nonzero()[0]


class Crowd:
    """Tells a flood of false detections from a field that fills with cells.

    Noise is elsewhere in the next shot; cells are where they were.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._last: NDArray[np.float64] = np.empty((0, 2))

    def is_flood(self, found: Found, n_cells: int, *, is_first: bool) -> bool:
        """Whether so many detections can be no cells, or are too many to be followed in time."""
        n = len(found)
        usual = _MOST_OVER * n_cells + _MOST_EXTRA
        if n <= self._most and (is_first or n <= usual):
            self._last = self._last[:0]
            return False
        has_stayed = n <= self._most and self._has_stayed(found)
        every = 1 + n // _SAMPLE
        self._last = self._last[:0] if has_stayed else found.places[::every].copy()
        return not has_stayed

    def _has_stayed(self, found: Found) -> bool:
        before = self._last
        if len(before) == 0 or before.shape[1] != found.places.shape[1]:
            return False
        apart = np.median(found.tree.query(found.places[:: 1 + len(found) // _SAMPLE], 2)[0][:, 1])
        near = found.tree.query(before)[0] < _STAYS * apart
        axes = before.shape[1]
        # Nearest neighbours of a Poisson process: the median says how dense it is.
        by_chance = -math.expm1(-math.log(2.0) * _STAYS**axes)
        return bool(near.mean() > by_chance + _REAL * (1.0 - by_chance))


def nearest_only(found: Found, expected: NDArray[np.float64], gate_px: float) -> NDArray[np.intp]:
    """Return which detections may be one of the cells: the nearest few of each.

    `expected`, (N, D), is where cells should be, and `gate_px` how far from there they may be.
    """
    if len(expected) == 0 or len(found) == 0:
        return np.empty(0, np.intp)
    away, near = found.tree.query(expected, range(1, 1 + min(_NEAR, len(found))))
    return np.unique(near[away <= gate_px])


def are_guesses(linked: NDArray[np.intp], certainty: NDArray[np.float64]) -> bool:
    """Whether so many links are guesses that the shot says little about who is who."""
    hit = linked >= 0
    return bool(np.count_nonzero(hit) >= _FEWEST and 1.0 - certainty[hit].mean() > _GUESSED)


def is_repeated(found: Found, before: NDArray[np.float64]) -> bool:
    """Whether every detection is exactly where one was before: cells and cameras are never so."""
    return len(found) > 0 and np.array_equal(found.px, before)


def sentence(flag: str) -> str:
    """Return what a flag means; of an unknown one, of a later version, the flag itself."""
    return SENTENCES.get(flag, flag)
