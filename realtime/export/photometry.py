"""How bright each cell is in each channel, measured anew in the raw frames.

What the run saw on the way came through a network and an outline that breathes with the light.
Here each cell keeps one disc for its life, and only sums are taken: light above the mean of the
ring around the disc. Sums are in proportion to the light, so over the dose they stay where they
are when the controller moves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from realtime.errors import RunFileError
from realtime.export.discs import draw
from realtime.export.values import dose_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.export.cells import FieldCells, Sighting
    from realtime.export.discs import Discs
    from realtime.export.values import Normaliser
    from realtime.run_file import RunReader

GROWN = 1.3
"""Radius of the disc over that of the cell's area: light that the lens spreads is of the cell
(proposed; a Gaussian rim of a fifth of the radius loses less than 1 % beyond it)."""
LEAST_RADIUS_PX = 3.0
GAP_PX, RING_PX = 2.0, 6.0
"""Between disc and ring, and width of the ring (proposed)."""
LEAST_RING = 12
"""Pixels of a ring; with fewer its mean is too noisy, and that of all rings is taken (proposed)."""


class Light(NamedTuple):
    """A cell in one channel of one shot.

    Attributes
    ----------
    signal_e
        Photo-electrons above background in its disc, mean over the channel's frames of the shot.
    per_dose
        The same over their dose; NaN where none is known.
    """

    signal_e: float
    per_dose: float


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Which pixels are whose: places in the flat image, and the row of the cell."""

    disc: NDArray[np.intp]
    disc_of: NDArray[np.int32]
    ring: NDArray[np.intp]
    ring_of: NDArray[np.int32]

    @classmethod
    def of(cls, discs: Discs) -> _Pixels:
        owner, beyond = discs.owner.ravel(), discs.beyond_px.ravel()
        disc = np.flatnonzero((owner >= 0) & (beyond <= 0))
        ring = np.flatnonzero((owner >= 0) & (beyond > GAP_PX))
        return cls(disc, owner[disc], ring, owner[ring])


def measure(
    reader: RunReader,
    normaliser: Normaliser,
    field: FieldCells,
    progress: Callable[[], object] = lambda: None,
) -> list[dict[int, list[Light]]]:
    """Measure every cell of a field in every channel.

    Returns
    -------
    list
        For each shot, by channel number, a `Light` for each of the shot's sightings.

    Raises
    ------
    RunFileError
        If a frame is damaged.
    """
    radii = disc_radii(field)
    found = []
    for frames, sightings in zip(field.shots, field.sightings, strict=True):
        found.append(_of_shot(reader, normaliser, frames, sightings, radii))
        progress()
    return found


def disc_radii(field: FieldCells) -> dict[int, float]:
    """Return the radius of each cell's disc, pixels: of its usual area, and a little more."""
    radii = {}
    for cell, sightings in field.tracks().items():
        areas = [s.area_px for s in sightings if s.is_seen and s.area_px > 0]
        area = float(np.median(areas)) if areas else 0.0
        radii[cell] = max(LEAST_RADIUS_PX, GROWN * math.sqrt(area / math.pi))
    return radii


def _of_shot(
    reader: RunReader,
    normaliser: Normaliser,
    frames: Sequence[FrameInfo],
    sightings: Sequence[Sighting],
    radii: Mapping[int, float],
) -> dict[int, list[Light]]:
    shape = (frames[0].height, frames[0].width)
    y_px, x_px = [s.y_px for s in sightings], [s.x_px for s in sightings]
    radius_px = [radii[s.cell] for s in sightings]
    pixels = _Pixels.of(draw(shape, y_px, x_px, radius_px, GAP_PX + RING_PX))
    sums: dict[int, tuple[NDArray[np.float64], float, int]] = {}
    for info in frames:
        if (info.height, info.width) != shape:
            continue  # a camera whose pixels are others: nobody knows where its cells are
        image = normaliser.electrons(info, reader.pixels(info.seq))
        total, dose, count = sums.get(info.index.c, (np.zeros(len(sightings)), 0.0, 0))
        given = dose_of(info.applied) or math.nan
        sums[info.index.c] = (total + above(image, pixels, len(sightings)), dose + given, count + 1)
    return {
        channel: [Light(float(e) / count, float(e) / dose) for e in total]
        for channel, (total, dose, count) in sums.items()
    }


def above(image: NDArray[np.float32], pixels: _Pixels, n_cells: int) -> NDArray[np.float64]:
    """Return what each disc holds above the mean of its ring, (N,); NaN outside the image.

    A mean, not a median: at few photons a median is no longer in proportion to the light.
    """
    flat = image.ravel()
    inside = np.bincount(pixels.disc_of, flat[pixels.disc], n_cells)
    size = np.bincount(pixels.disc_of, minlength=n_cells)
    ring = np.bincount(pixels.ring_of, flat[pixels.ring], n_cells)
    ring_size = np.bincount(pixels.ring_of, minlength=n_cells)
    all_rings = ring.sum() / ring_size.sum() if ring_size.sum() else float(np.min(flat, initial=0))
    background = np.where(ring_size >= LEAST_RING, ring / np.maximum(ring_size, 1), all_rings)
    light: NDArray[np.float64] = np.where(size > 0, inside - background * size, np.nan)
    return light


def check_frames(field: FieldCells) -> None:
    """Refuse a field whose cells were followed in frames of several shapes.

    Raises
    ------
    RunFileError
        If their places cannot be compared.
    """
    shapes = {(frames[0].height, frames[0].width) for frames in field.shots}
    if len(shapes) > 1:
        raise RunFileError(
            f"field {field.position} was followed in frames of several shapes, {sorted(shapes)}: "
            "their places cannot be compared"
        )
