"""Is a network's plane better than a blend of its neighbours? A plane that was taken tells.

Where a plane y that could have been skipped was taken after all, the network's answer f and the
blend l, both made of other frames, know nothing of its noise. So in the mean over pixels

    E[(y - f)^2 - (y - l)^2] = (error of f)^2 - (error of l)^2,

whatever the noise is, and of all planes ``l + g (f - l)`` that with

    g = mean[(f - l) (y - l)] / mean[(f - l)^2]

is nearest to the truth (least squares). The error itself takes the noise of y, which needs the
camera: ``mean[(y - f)^2] - mean(y) - read_noise^2``.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.audit import BLOCK_PX, MEMORY
from models.conformal import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_DRAWS, _SEED = 400, 20_260_102
_SUMS = 5
"""What is added up of each block: ``(f-l)^2``, ``(f-l)(y-l)``, error^2 of f and l, contrast^2."""


class PlaneError(NamedTuple):
    """What planes that were taken say of those that are drawn instead.

    Attributes
    ----------
    weight
        How much of the network's correction to use, 0 to 1: the lower bound of what is best.
    error, blend_error
        Root-mean-square error of the network's planes and of the blends, photo-electrons.
    share, low, high
        The error of what is drawn with `weight`, over the contrast (standard deviation) of the
        planes, and its 80 % interval.
    planes
        That were compared; old ones are forgotten slowly.
    """

    weight: float = 1.0
    error: float = 0.0
    blend_error: float = 0.0
    share: float = 0.0
    low: float = 0.0
    high: float = 0.0
    planes: int = 0


class AxialCheck:
    """Compares drawn planes with those that were taken; its memory does not grow."""

    def __init__(self) -> None:
        self._sums: NDArray[np.float64] | None = None
        self._planes, self._counted = 0, 0.0

    def add(self, taken_e: Image, drawn: Image, blend: Image, read_noise_e: float) -> PlaneError:
        """Take one more plane; return what all say together.

        Parameters
        ----------
        taken_e
            The plane as it was taken, (Y, X) photo-electrons, offset taken off, not clipped.
        drawn, blend
            The network's plane with all of its correction, and the blend without any, drawn from
            other frames.
        read_noise_e
            Of the camera, rms e-.
        """
        correction, missing = drawn - blend, taken_e - blend
        left = taken_e - drawn
        noise = taken_e + np.float32(read_noise_e**2)
        spread = (taken_e - np.float32(taken_e.mean())) ** 2 - noise
        images = (correction**2, correction * missing, left**2 - noise, missing**2 - noise, spread)
        sums = np.stack([_blocks(image) for image in images])
        if self._sums is None or self._sums.shape != sums.shape:
            self._sums, self._planes, self._counted = sums, 0, 0.0
        else:
            keep = 1.0 - 1.0 / MEMORY if self._planes >= MEMORY else 1.0
            self._sums = keep * self._sums + sums
            self._counted *= keep
        self._planes += 1
        self._counted += 1.0
        return self._said(self._sums)

    def _said(self, sums: NDArray[np.float64]) -> PlaneError:
        """Bootstrap over blocks (Efron, Ann. Stat. 7 (1979) 1): they share no noise."""
        count = sums.shape[1]
        rng = np.random.default_rng(_SEED)
        often = rng.multinomial(count, np.full(count, 1 / count), _DRAWS)
        drawn = sums @ often.T  # (_SUMS, _DRAWS)
        tail = (1.0 - LEVEL) / 2.0
        best = drawn[1] / np.maximum(drawn[0], 1e-9)
        weight = float(np.clip(np.quantile(best, tail), 0.0, 1.0))
        total = sums.sum(axis=1)
        low, high = np.quantile(_share(drawn, weight), [tail, 1.0 - tail])
        each = total / (count * self._counted)
        return PlaneError(
            weight,
            sqrt(max(float(each[2]), 0.0)),
            sqrt(max(float(each[3]), 0.0)),
            float(_share(total[:, None], weight)[0]),
            float(low),
            float(high),
            self._planes,
        )


def _share(sums: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Return the error with a weight, over the contrast: ``|y-l|^2 - 2 g c(y-l) + g^2 c^2``."""
    squared = sums[3] - 2.0 * weight * sums[1] + weight**2 * sums[0]
    share: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0.0) / np.maximum(sums[4], 1e-9))
    return share


def _blocks(image: Image) -> NDArray[np.float64]:
    """Return means over blocks of 16 px, (blocks,)."""
    rows, columns = (max(n // BLOCK_PX, 1) for n in image.shape)
    whole = image[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float64)
    cut = whole.reshape(rows, whole.shape[0] // rows, columns, whole.shape[1] // columns)
    means: NDArray[np.float64] = cut.mean(axis=(1, 3)).ravel()
    return means
