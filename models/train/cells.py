"""Nuclei as a sharp objective shows them: crisp rims, chromatin texture, mitotic plates.

Bright cells lie beside dim ones. Nothing here is blurred: the objective comes after (`scenes`), and
with 0.75 NA and pixels of 0.325 um its blur is less than half a pixel (0.21 lambda / NA: Zhang,
Zerubia & Olivo-Marin, Appl. Opt. 46, 1819 (2007)). All ranges are proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_FINE = 2
"""Drawn this much finer and then averaged, as a camera pixel collects what falls on it."""
_REACH = 1.4
"""A nucleus with its wobbles ends within this many radii."""
_MOST = 150


@dataclass(frozen=True, slots=True)
class _Style:
    """What all cells of one frame have in common.

    Attributes
    ----------
    radius_px
        Of a typical nucleus, fine pixels.
    flatness
        Exponent of the thickness profile ``(1 - r^2)``: 0 is a disc with a hard edge, 0.5 a ball.
    grain
        Chromatin texture of the whole frame, (Y, X), mean 1.
    rim, spots
        Extra brightness of the nuclear rim and of chromocentres.
    spread
        Standard deviation of the logarithm of the cells' brightness.
    """

    radius_px: float
    flatness: float
    grain: Image
    rim: float
    spots: float
    spread: float


def draw_cells(rng: np.random.Generator, size: int) -> Image:
    """Return sharp nuclei of very different brightness, (size, size) float32, not yet blurred."""
    side = _FINE * size
    style = _style(rng, side)
    cover = float(np.exp(rng.uniform(np.log(0.02), np.log(0.5))))
    count = int(np.clip(cover * side**2 / (np.pi * style.radius_px**2), 1, _MOST))
    dividing = rng.uniform(0.0, 0.25)
    image = np.zeros((side, side), np.float32)
    for _ in range(count):
        radius = style.radius_px * float(rng.lognormal(0.0, 0.15))
        dye = float(rng.lognormal(0.0, style.spread))
        centre = rng.uniform(0, side, 2)
        if rng.random() >= dividing:
            axes = radius * np.array([1.0, rng.uniform(0.6, 1.0)])
            _add(rng, image, style, centre, axes, rng.uniform(0, np.pi), dye)
        else:
            _add_mitosis(rng, image, style, centre, radius, dye)
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _style(rng: np.random.Generator, side: int) -> _Style:
    grain = np.ones((side, side), np.float32)
    for coarse in (False, True):
        sigma = _FINE * rng.uniform(0.6, 1.6) * (2.2 if coarse else 1.0)
        white = rng.standard_normal((side, side)).astype(np.float32)
        soft = cv2.GaussianBlur(white, (0, 0), sigma)
        grain += np.float32(rng.uniform(0.0, 0.35) / float(soft.std())) * soft
    return _Style(
        radius_px=_FINE * float(np.exp(rng.uniform(np.log(5.0), np.log(28.0)))),
        flatness=rng.uniform(0.02, 0.55),
        grain=np.maximum(grain, np.float32(0.1)),
        rim=rng.uniform(0.0, 0.8) if rng.random() < 0.4 else 0.0,
        spots=rng.uniform(0.3, 2.0) if rng.random() < 0.3 else 0.0,
        spread=rng.uniform(0.1, 1.2),
    )


def _add(
    rng: np.random.Generator,
    image: Image,
    style: _Style,
    centre: NDArray[np.float64],
    axes: NDArray[np.float64],
    turn: float,
    height: float,
    *,
    condensed: bool = False,
) -> None:
    """Add one body to ``image`` in place; centre (y, x), semi-axes (long, short), fine pixels."""
    reach = _REACH * float(axes.max()) + 2.0
    low = np.maximum(centre - reach, 0).astype(int)
    high = np.minimum(centre + reach + 1, image.shape).astype(int)
    if (high <= low).any():
        return
    part = np.s_[low[0] : high[0], low[1] : high[1]]
    y = (np.arange(low[0], high[0]) - centre[0])[:, None]
    x = (np.arange(low[1], high[1]) - centre[1])[None, :]
    along = (np.cos(turn) * x + np.sin(turn) * y) / axes[0]
    across = (np.cos(turn) * y - np.sin(turn) * x) / axes[1]
    radius = np.hypot(along, across)
    angle = np.arctan2(across, along)
    for k in range(2, 6):
        radius = radius / (1 + rng.normal(0, 0.08 / k) * np.cos(k * angle + rng.uniform(0, 6.28)))
    body = np.clip(1.0 - radius**2, 0.0, None) ** (0.4 if condensed else style.flatness)
    body *= style.grain[part]
    if not condensed:
        body *= 1.0 + style.rim * np.exp(-(((radius - 0.9) / 0.12) ** 2))
        body *= _inside(rng, along, across, style.spots)
    image[part] += (height * body).astype(np.float32)


def _inside(
    rng: np.random.Generator,
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    spots: float,
) -> NDArray[np.float64]:
    """Return a factor with nucleoli (dark) and, where ``spots`` > 0, chromocentres (bright)."""
    factor = np.ones(np.broadcast_shapes(along.shape, across.shape))
    nucleoli = [(-rng.uniform(0.3, 0.9), rng.uniform(0.1, 0.25)) for _ in range(rng.integers(0, 4))]
    centres = [(spots, rng.uniform(0.04, 0.12)) for _ in range(rng.integers(3, 13))]
    for depth, width in nucleoli + (centres if spots > 0 else []):
        distance, where = 0.75 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        u, v = along - distance * np.cos(where), across - distance * np.sin(where)
        factor *= 1.0 + depth * np.exp(-(u**2 + v**2) / (2 * width**2))
    return factor


def _add_mitosis(
    rng: np.random.Generator,
    image: Image,
    style: _Style,
    centre: NDArray[np.float64],
    radius: float,
    dye: float,
) -> None:
    """Add a metaphase plate, or the two bars of an anaphase: little area, thus much brighter."""
    turn = rng.uniform(0, np.pi)
    axes = radius * np.array([rng.uniform(0.7, 1.0), rng.uniform(0.2, 0.4)])
    height = dye * rng.uniform(0.5, 1.3) * radius**2 / float(axes[0] * axes[1])
    if rng.random() < 0.5:
        _add(rng, image, style, centre, axes, turn, height, condensed=True)
        return
    aside = rng.uniform(0.35, 0.9) * radius * np.array([np.cos(turn), -np.sin(turn)])
    for way in (-1.0, 1.0):
        _add(rng, image, style, centre + way * aside, axes, turn, 0.5 * height, condensed=True)
