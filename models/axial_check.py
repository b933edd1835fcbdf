"""Is a network's plane better than a blend of its neighbours? A plane that was taken tells.

Where a plane y that could have been skipped was taken after all, the network's answer f and the
blend l, both made of other frames, know nothing of its noise. So in the mean over pixels

    E[(y - f)^2 - (y - l)^2] = (error of f)^2 - (error of l)^2,

whatever the noise is, and of all planes ``l + g (f - l)`` that with

    g = mean[(f - l) (y - l)] / mean[(f - l)^2]

is nearest to the truth (least squares). With the straight line s between both planes the same
holds for ``l + g (f - l) + b (s - l)`` and two equations: cubics follow what bends, lines keep less
noise, and beyond the line (b > 1) four planes are smoothed. The error itself takes the noise of y,
which needs the camera: ``mean[(y - f)^2] - mean(y) - read_noise^2``.
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
_TINY = 1e-9
_LINE_LEAST, _LINE_MOST = -1.0, 3.0
"""How much of the line may count: from a bolder cubic to the mean of four planes (proposed)."""


class PlaneError(NamedTuple):
    """What planes that were taken say of those that are drawn instead.

    Attributes
    ----------
    weight
        How much of the network's correction to use, 0 to 1: the lower bound of what is best.
    line_weight
        How much of the straight line to use in place of the blend, beside that correction.
    error, blend_error
        Root-mean-square error of the network's planes and of the blends, photo-electrons.
    share, low, high
        The error of what is drawn with both weights, over the contrast (standard deviation) of the
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
    line_weight: float = 0.0


class _Sums(NamedTuple):
    """What is added up: c is network - blend, m what was taken - blend, s line - blend."""

    cc: NDArray[np.float64]
    cm: NDArray[np.float64]
    error: NDArray[np.float64]
    blend_error: NDArray[np.float64]
    spread: NDArray[np.float64]
    ss: NDArray[np.float64]
    sm: NDArray[np.float64]
    sc: NDArray[np.float64]

    def best(self) -> NDArray[np.float64]:
        """Return the share of the correction that is best beside the best share of the line."""
        per_line = self.sc / np.maximum(self.ss, _TINY)
        rest = np.maximum(self.cc - per_line * self.sc, 1e-6 * self.cc + _TINY)
        best: NDArray[np.float64] = (self.cm - per_line * self.sm) / rest
        return best

    def line(self, weight: float) -> NDArray[np.float64]:
        """Return the share of the line that is best with a share of the correction."""
        best = (self.sm - weight * self.sc) / np.maximum(self.ss, _TINY)
        return np.asarray(np.clip(best, _LINE_LEAST, _LINE_MOST), np.float64)

    def share(self, weight: float, line: float) -> NDArray[np.float64]:
        """Return the error with both weights, over the contrast."""
        squared = self.blend_error - 2.0 * (weight * self.cm + line * self.sm)
        squared += weight**2 * self.cc + line**2 * self.ss + 2.0 * weight * line * self.sc
        share: NDArray[np.float64] = np.sqrt(
            np.maximum(squared, 0.0) / np.maximum(self.spread, _TINY)
        )
        return share


class AxialCheck:
    """Compares drawn planes with those that were taken; its memory does not grow."""

    def __init__(self) -> None:
        self._sums: NDArray[np.float64] | None = None
        self._planes, self._counted = 0, 0.0

    def add(
        self,
        taken_e: Image,
        drawn: Image,
        blend: Image,
        read_noise_e: float,
        line: Image | None = None,
    ) -> PlaneError:
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
        line
            The straight line between both planes, if the blend is another one.
        """
        correction, missing = drawn - blend, taken_e - blend
        straight = np.zeros_like(blend) if line is None else line - blend
        noise = taken_e + np.float32(read_noise_e**2)
        spread = (taken_e - np.float32(taken_e.mean())) ** 2 - noise
        images = (
            correction**2, correction * missing, (taken_e - drawn) ** 2 - noise,
            missing**2 - noise, spread, straight**2, straight * missing, straight * correction,
        )  # fmt: skip
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
        drawn = _Sums(*(sums @ often.T))  # (_DRAWS,) each
        tail = (1.0 - LEVEL) / 2.0
        weight = float(np.clip(np.quantile(drawn.best(), tail), 0.0, 1.0))
        total = _Sums(*sums.sum(axis=1, keepdims=True))
        line = float(total.line(weight)[0])
        low, high = np.quantile(drawn.share(weight, line), [tail, 1.0 - tail])
        of_net, of_blend = (
            sqrt(max(float(each[0]), 0.0) / (count * self._counted))
            for each in (total.error, total.blend_error)
        )
        return PlaneError(
            weight, of_net, of_blend, float(total.share(weight, line)[0]),
            float(low), float(high), self._planes, line,
        )  # fmt: skip


def _blocks(image: Image) -> NDArray[np.float64]:
    """Return means over blocks of 16 px, (blocks,)."""
    rows, columns = (max(n // BLOCK_PX, 1) for n in image.shape)
    whole = image[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float64)
    cut = whole.reshape(rows, whole.shape[0] // rows, columns, whole.shape[1] // columns)
    means: NDArray[np.float64] = cut.mean(axis=(1, 3)).ravel()
    return means
