"""What a nucleus and a cell body look like at each height: painted once for each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Patch = NDArray[np.float32]

SIDE = 48  # pixels of a patch
REACH = 1.2  # a patch shows -REACH..REACH semi-axes
HEIGHTS = np.array([-0.8, -0.4, 0.0, 0.4, 0.8])  # of the sections, in semi-axes
EDGE = 0.12  # width of the rim over which a section fades, in semi-axes
MAX_CELLS = 768  # kept in memory: 768 x 9 x 9 KiB = 61 MiB at most
PAINT = 0x7061696E  # apart from the stream of the flat looks
SPAN = np.linspace(-REACH, REACH, SIDE, dtype=np.float32)
RADIUS = np.hypot(SPAN[:, None], SPAN[None, :])
# A ball seen from above, as wide (second moment) as the unit disc: its radius squared is 5/4.
BALL = np.sqrt(np.clip(1.0 - 0.8 * RADIUS**2, 0.0, None))


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Brightness of one cell on the unit disc.

    Attributes
    ----------
    sections
        Of the nucleus in interphase, at `HEIGHTS`, (5, SIDE, SIDE); mean 1 over the nucleus.
    condensed
        Any section in mitosis, (SIDE, SIDE); mean 1 over the disc.
    whole
        All sections together, thick in the middle: in interphase and in mitosis, (2, SIDE, SIDE).
    body
        The whole cell body from above, thickest in the middle, (SIDE, SIDE); mean 1 over the disc.
    """

    sections: Patch
    condensed: Patch
    whole: Patch
    body: Patch

    def at(self, height: float, condensed: float, roundness: float = 0.0) -> Patch:
        """Return the section at a height in semi-axes, or a thick piece around it, (SIDE, SIDE)."""
        thin = self._thin(height, condensed)
        if roundness < 0.01:
            return thin
        return _mix(thin, _mix(self.whole[0], self.whole[1], condensed), roundness)

    def _thin(self, height: float, condensed: float) -> Patch:
        if condensed > 0.99:
            return self.condensed
        place = min(max((height + 0.8) / 0.4, 0.0), 4.0)  # among HEIGHTS
        below = min(int(place), len(HEIGHTS) - 2)
        share = place - below
        section = _mix(self.sections[below], self.sections[below + 1], share)
        return _mix(section, self.condensed, condensed)


class Atlas:
    """Paints each cell's anatomy when it is first seen, and keeps it while there is room."""

    def __init__(self) -> None:
        self._cells: dict[int, Anatomy] = {}

    def of(self, key: int) -> Anatomy:
        """Return the anatomy of the cell with a key."""
        anatomy = self._cells.get(key)
        if anatomy is None:
            if len(self._cells) >= MAX_CELLS:
                self._cells.clear()  # whoever is still there is painted again the same
            anatomy = self._cells[key] = paint(key)
        return anatomy


def paint(key: int) -> Anatomy:
    """Return the anatomy of the cell with a key: chromatin, nucleoli, strands, a lumpy body."""
    rng = np.random.Generator(np.random.Philox(key=[key, PAINT]))
    disc = np.clip((1.0 - RADIUS) / EDGE + 0.5, 0.0, 1.0)
    layers = np.stack([_noise(rng, 1.7) + 0.8 * _noise(rng, 3.8) for _ in range(len(HEIGHTS) + 2)])
    # Neighbouring heights are alike: a grain is about as high as it is wide.
    grain = 0.8 * layers[1:-1] + 0.42 * (layers[:-2] + layers[2:])
    texture = np.clip(1.0 + 0.22 * grain, 0.2, None)
    for _ in range(int(rng.integers(1, 4))):
        texture *= _nucleolus(rng)
    strands = np.clip(1.0 + 0.35 * _noise(rng, 1.9) * RADIUS, 0.0, None)
    thickness = np.clip(1.0 - (RADIUS / _outline(rng)) ** 2, 0.0, None)
    body = thickness * np.clip(1.0 + 0.2 * _noise(rng, 4.5), 0.2, None)
    weight = (1.0 - HEIGHTS**2) / (1.0 - HEIGHTS**2).sum()
    mean = float(weight @ np.array([_mean(disc * section) for section in texture]))
    whole = BALL * np.tensordot(weight, texture, 1)
    return Anatomy(
        (disc * texture / mean).astype(np.float32),
        _unit(disc * strands),
        np.stack([_unit(whole), _unit(BALL * strands)]),
        _unit(body),
    )


def _noise(rng: np.random.Generator, sigma_px: float) -> Patch:
    """Return smooth noise of unit variance."""
    white = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    smooth: Patch = cv2.GaussianBlur(white, (0, 0), sigma_px)
    return smooth / np.float32(smooth.std())


def _outline(rng: np.random.Generator) -> Patch:
    """Return the radius of a lumpy outline in the direction of each pixel, (SIDE, SIDE)."""
    angle = np.arctan2(SPAN[:, None], SPAN[None, :])
    lobes = np.arange(2, 6)
    waves = np.cos(lobes[:, None, None] * angle + 2 * np.pi * rng.random((4, 1, 1)))
    heights = 0.16 * rng.standard_normal((4, 1, 1)) / lobes[:, None, None]
    outline: Patch = np.clip(1.0 + (heights * waves).sum(0), 0.6, REACH)
    return outline


def _nucleolus(rng: np.random.Generator) -> Patch:
    """Return a factor for each section with one dark ball somewhere inside, (5, SIDE, SIDE)."""
    distance, angle = 0.6 * np.sqrt(rng.random()), 2 * np.pi * rng.random()
    height, size = 0.8 * (rng.random() - 0.5), 0.14 + 0.10 * rng.random()
    square = (SPAN[None, :] - distance * np.cos(angle)) ** 2
    square = square + (SPAN[:, None] - distance * np.sin(angle)) ** 2
    square = square[None] + (HEIGHTS[:, None, None] - height) ** 2
    ball: Patch = 1.0 - 0.7 * np.exp(-square / (2 * size**2))
    return ball


def _mean(patch: NDArray[np.floating]) -> float:
    """Return the mean over the unit disc of what a patch holds, what leaks over its rim too."""
    pixel_area = (2.0 * REACH / (SIDE - 1)) ** 2
    return float(patch.sum() * pixel_area / np.pi)


def _unit(patch: NDArray[np.floating]) -> Patch:
    return (patch / _mean(patch)).astype(np.float32)


def _mix(one: Patch, other: Patch, share: float) -> Patch:
    if share < 0.01:
        return one
    if share > 0.99:
        return other
    mixed: Patch = cv2.addWeighted(one, 1.0 - share, other, share, 0.0)
    return mixed
