"""The residual test tile by tile: what is wrong in one place must not drown in the whole frame.

A dirty spot on the chip, a network that fails at one kind of cell: the frame's own numbers hardly
move. So whiteness, bias and power are held to the same bounds in each of 4 x 4 tiles, widened by
five standard errors of chance, for a tile has few pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.regions import SHRINK, place_in_words
from models.residual_numbers import TILES, Tiles
from models.residuals import NEIGHBOURS, UNSURE, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.residual_test import ResidualTest
    from models.residuals import Limits

    Image = NDArray[np.float32]

_SURE = 5.0
"""Standard errors: one of a million tiles of white noise has more."""


def tiles(test: ResidualTest) -> Tiles:
    """Return the last frame's test in each of 4 x 4 tiles."""
    small = test.small
    mean, power, kept = (_by_tile(image) for image in (small.z, small.z2, test.kept))
    squares = np.maximum(_by_tile(small.z2 * small.z2) - power * power, np.float32(0.0))
    spread = np.asarray(np.sqrt(squares), np.float32)
    products = _by_tile(test.products())
    corr1 = np.asarray(products / np.maximum(power, np.float32(1e-6)), np.float32)
    return Tiles(mean, power, corr1, kept, spread)


def tile_reasons(seen: Tiles, limits: Limits, shape: tuple[int, int]) -> list[Reason]:
    """Return what speaks against an estimate in single tiles of a frame of that shape, px."""
    pixels = shape[0] * shape[1] / TILES**2
    chance = _SURE / np.sqrt(pixels)
    of_power = _SURE * seen.spread * SHRINK / np.sqrt(pixels)
    given_back, doubted = seen.var_z + seen.kept, seen.var_z - UNSURE * seen.kept
    low, high = (
        seen.corr1 + NEIGHBOURS * seen.kept,
        seen.corr1 - UNSURE * NEIGHBOURS * seen.kept,
    )
    is_copied = (given_back < limits.var_z_min - of_power) | (low < limits.corr1_min - chance)
    against = {
        "biased": (np.abs(seen.mean_z) > limits.mean_z_max + chance, "is biased"),
        "copied-noise": (is_copied, "copies noise"),
        "erased": (high > limits.corr1_max + chance, "loses structure"),
        "noise": (doubted > limits.var_z_max + of_power, "leaves more noise than calibrated"),
    }
    return [
        Reason(code, f"the estimate {what} in one place, {_place(where)}")
        for code, (where, what) in against.items()
        if where.any()
    ]


def _place(where: NDArray[np.bool_]) -> str:
    row, column = np.unravel_index(int(np.argmax(where)), where.shape)
    return place_in_words((float(row) + 0.5) / TILES, (float(column) + 0.5) / TILES)


def _by_tile(image: Image) -> Image:
    """Return means over 4 x 4 tiles of a shrunk picture; what is left over is dropped."""
    rows, columns = (n // TILES for n in image.shape)
    whole = image[: rows * TILES, : columns * TILES]
    return np.asarray(cv2.resize(whole, (TILES, TILES), interpolation=cv2.INTER_AREA), np.float32)
