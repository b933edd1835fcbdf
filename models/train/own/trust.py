"""How far a taught denoiser may be trusted on this light: its stated error beside the true one.

The truth is not known, but the next exposure of the same place is: its noise is independent, known,
and taken off (`models.conformal_pairs`). What was seen to move in between is left out; what crept
unseen counts as an error, so that the scales are rather too large than too small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models import conformal_pairs
from models.denoise import Denoiser
from models.regions import SHRINK, shrunk, split
from models.train.own.exposures import Relation, at_rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.package import Package
    from models.train.own.examples import Example
    from models.train.own.takes import Take

    Values = NDArray[np.float64]

_MOST = 120
"""Pairs of frames that are looked at; each gives some tiles."""
_TILE_PX = 256
_FEWEST_BLOCKS = 64
"""Of 4 x 4 px, in a tile, before its mean error says anything (proposed)."""

Row = tuple[float, float, float, float]
"""Stated error, mean squared error, its standard error, light; photo-electrons."""


def measured_scales(
    package: Package, takes: Sequence[Take], held_out: Sequence[Example]
) -> dict[str, float]:
    """Return scales for the package's manifest, from held-out frames and the ones after them.

    Octaves of light with fewer than 30 tiles get none, and a package without any says nothing of
    its error.
    """
    pairs = _pairs(takes, held_out)[:_MOST]
    rows: dict[str, list[Row]] = {"cells": [], "background": []}
    by_take: dict[int, list[int]] = {}
    for take, number in pairs:
        by_take.setdefault(take, []).append(number)
    for index, numbers in by_take.items():
        one = takes[index]
        height, width = one.frames[0].shape
        known = (one.camera.gain_adu_per_e, one.camera.offset_adu, one.camera.read_noise_e)
        denoiser = Denoiser(package, (height, width), *known)
        try:
            last = -1
            for number in numbers:
                if number != last + 1:
                    denoiser.forget()  # the past it knows is not the past of this frame
                _look(denoiser, one, number, rows)
                last = number
        finally:
            denoiser.close()
    scales: dict[str, float] = {}
    for region, found in rows.items():
        if found:
            scales |= conformal_pairs.fit_from_pairs(region, *np.array(found).T)
    return scales


def _pairs(takes: Sequence[Take], held_out: Sequence[Example]) -> list[tuple[int, int]]:
    """Return take and number of held-out frames that have a next one under the same light."""
    spots = dict.fromkeys((e.images[-1].take, e.images[-1].frame) for e in held_out)
    return [
        (take, frame)
        for take, frame in spots
        if frame + 1 < len(takes[take].frames)
        and abs(takes[take].light[frame + 1] / takes[take].light[frame] - 1.0) < 0.02
    ]


def _look(denoiser: Denoiser, take: Take, number: int, rows: dict[str, list[Row]]) -> None:
    """Compare one restored frame with the next noisy one, tile by tile."""
    adu, after = take.frames[number], take.frames[number + 1]
    answer = denoiser(adu)
    assert answer.sd_e is not None
    first, again = take.camera.electrons(adu), take.camera.electrons(after)
    read = take.camera.read_noise_e
    squared = conformal_pairs.squared_error(answer.photons, again, read).astype(np.float32)
    still = at_rest(first, again, read, Relation(1.0, 0.0, is_fitted=False))
    still *= ~take.camera.is_clipped(after)
    images = (answer.photons, answer.sd_e**2, squared, squared**2, still)
    height, width = adu.shape
    for y in range(0, max(height - _TILE_PX, 0) + 1, _TILE_PX):
        for x in range(0, max(width - _TILE_PX, 0) + 1, _TILE_PX):
            parts = [np.ascontiguousarray(v[y : y + _TILE_PX, x : x + _TILE_PX]) for v in images]
            regions, counts = split(parts[0]), shrunk(parts[4]) == 1.0
            small = [shrunk(part) for part in parts[:4]]
            for region, found in rows.items():
                is_in = (regions.is_cell == (region == "cells")) & counts
                if np.count_nonzero(is_in) >= _FEWEST_BLOCKS:
                    found.append(_row(*(image[is_in].astype(np.float64) for image in small)))


def _row(light: Values, stated: Values, error: Values, square: Values) -> Row:
    """Return the row of a region from its blocks of 4 x 4 px."""
    mean = float(error.mean())
    chance = max(float(square.mean()) - mean**2, 1e-12) / (SHRINK**2 * light.size)
    return float(np.sqrt(stated.mean())), mean, float(np.sqrt(chance)), float(light.mean())
