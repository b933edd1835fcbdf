"""The map of the light: how much of one line each part of the sample has taken, ever."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from acquire.dose.tiles import Tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from acquire.dose.footprint import Footprint

MOST_TILES = 8192
"""64 MB a line, some 900 lit areas that do not touch; then the map grows coarser (proposed)."""
_MOST_PLACES = 1024  # that are remembered by name; the map remembers all (proposed)
_MOST_NEAR = 48  # a place that overlaps more others is one of a walk: begin anew (proposed)


@dataclass(slots=True, eq=False)
class _Place:
    """One position of the stage.

    `mean` is the dose of its field and exact, `top` is at least the dose of its strongest pixel;
    both with all light, painted or not. `near` are the places that its light reaches, itself
    included: by how much it raises their means, and at most their strongest pixels.
    """

    x_um: float
    y_um: float
    mean: float
    top: float
    unpainted: float = 0.0
    near: list[tuple[_Place, float, float]] = field(default_factory=list)


class FluenceMap:
    """Fluence of one line of light in stage coordinates, J/cm2 or relative.

    Every exposure adds its irradiance profile times its time over the whole lit area, so fields
    that overlap add up, and planes too. Adding is a few sums: exposures at one place are gathered
    and painted when somebody looks. A position counts to the nearest pixel of the map.

    Parameters
    ----------
    footprint
        What an exposure lights.
    before
        Light of earlier runs; planes of another pitch are read, and kept as they are.
    most_tiles
        Bound of the memory. A map that would pass it doubles its pitch, and each pixel then holds
        the strongest of the four that it was: it may say too much, never too little.
    """

    def __init__(
        self, footprint: Footprint, before: Sequence[Tiles] = (), most_tiles: int = MOST_TILES
    ) -> None:
        self.footprint = footprint
        self._most_tiles = most_tiles
        self._own = Tiles(footprint.pitch_um)
        self._others: list[Tiles] = []
        for plane in before:
            copied = Tiles(plane.pitch_um, dict(plane.items()))
            if abs(plane.pitch_um / footprint.pitch_um - 1.0) < 1e-6:
                self._own = copied
            else:
                self._others.append(copied)
        self._places: dict[tuple[int, int], _Place] = {}
        self._cells: defaultdict[tuple[int, int], list[_Place]] = defaultdict(list)
        self._shares: dict[tuple[int, int], tuple[float, float]] = {}

    @property
    def planes(self) -> tuple[Tiles, ...]:
        """All light, this map's own plane first, for keeping (`acquire.sample.record`)."""
        self._paint()
        return (self._own, *self._others)

    def add(self, x_um: float, y_um: float, dose: float) -> None:
        """Book an exposure; `dose` is the mean over its lit area."""
        place = self._place(x_um, y_um)
        place.unpainted += dose
        for other, share, peak in place.near:
            other.mean += share * dose
            other.top += peak * dose

    def mean(self, x_um: float, y_um: float) -> float:
        """Return the mean dose of the field that would be lit from here."""
        return self._place(x_um, y_um).mean

    def highest(self, x_um: float, y_um: float) -> float:
        """Return the dose of the strongest pixel of the field that would be lit from here."""
        place = self._place(x_um, y_um)
        self._paint()
        place.top = float(self._fluence(place)[self.footprint.is_lit].max())
        return place.top

    def room(self, x_um: float, y_um: float, most: float, asked: float = math.inf) -> float:
        """Return the dose that an exposure here may still give so that no pixel passes `most`.

        Exact where less than `asked` is left; else it may be a little less than the truth, which
        takes no look at the map.
        """
        place = self._place(x_um, y_um)
        quick = (most - place.top) / self.footprint.peak
        if quick >= asked:
            return quick
        self._paint()
        lit = self.footprint.is_lit
        fluence = self._fluence(place)[lit]
        place.top = float(fluence.max())
        return max(0.0, float(((most - fluence) / self.footprint.weights[lit]).min()))

    def at(self, x_um: NDArray[np.float64], y_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the dose at points of the sample, (n,)."""
        self._paint()
        total = self._own.at(x_um, y_um)
        for plane in self._others:
            total += plane.at(x_um, y_um)
        return total

    def clear(self) -> None:
        """Forget all light, earlier runs' too."""
        self._own.clear()
        self._others.clear()
        self._forget()

    def _place(self, x_um: float, y_um: float) -> _Place:
        corner = self.footprint.corner(x_um, y_um)
        place = self._places.get(corner)
        if place is None:
            place = self._new_place(corner, x_um, y_um)
        return place

    def _new_place(self, corner: tuple[int, int], x_um: float, y_um: float) -> _Place:
        self._paint()
        corner = self.footprint.corner(x_um, y_um)  # painting may have made the map coarser
        if len(self._places) >= _MOST_PLACES:
            self._forget()
        place = _Place(x_um, y_um, 0.0, 0.0)
        fluence = self._fluence(place)[self.footprint.is_lit]
        place.mean, place.top = float(fluence.mean()), float(fluence.max())
        near = self._overlapping(corner)
        if len(near) > _MOST_NEAR:
            self._forget()
            near = []
        for other_corner, other in near:
            dy, dx = other_corner[0] - corner[0], other_corner[1] - corner[1]
            place.near.append((other, *self._share(dy, dx)))
            other.near.append((place, *self._share(-dy, -dx)))
        place.near.append((place, 1.0, self.footprint.peak))
        self._places[corner] = place
        self._cells[self._cell(corner)].append(place)
        return place

    def _overlapping(self, corner: tuple[int, int]) -> list[tuple[tuple[int, int], _Place]]:
        rows, columns = self.footprint.shape
        row, column = self._cell(corner)
        found = []
        for cell in ((row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            for place in self._cells.get(cell, ()):
                other = self.footprint.corner(place.x_um, place.y_um)
                if abs(other[0] - corner[0]) < rows and abs(other[1] - corner[1]) < columns:
                    found.append((other, place))
        return found

    def _cell(self, corner: tuple[int, int]) -> tuple[int, int]:
        rows, columns = self.footprint.shape
        return corner[0] // rows, corner[1] // columns

    def _share(self, dy: int, dx: int) -> tuple[float, float]:
        """Return what a dose of 1 adds to the field (dy, dx) pixels away: mean, and at most."""
        if (dy, dx) not in self._shares:
            weights, lit = self.footprint.weights, self.footprint.is_lit
            rows, columns = weights.shape
            ours = weights[max(dy, 0) : rows + min(dy, 0), max(dx, 0) : columns + min(dx, 0)]
            theirs = lit[max(-dy, 0) : rows + min(-dy, 0), max(-dx, 0) : columns + min(-dx, 0)]
            common = np.where(theirs, ours, 0.0)
            self._shares[dy, dx] = (float(common.sum() / lit.sum()), float(common.max()))
        return self._shares[dy, dx]

    def _paint(self) -> None:
        """Bring all light that was booked into the map."""
        for place in [place for place in self._places.values() if place.unpainted]:
            dose, place.unpainted = place.unpainted, 0.0
            rows, columns = self.footprint.shape
            if len(self._own) + (rows // 32 + 2) * (columns // 32 + 2) > self._most_tiles:
                self._coarsen()
            corner = self.footprint.corner(place.x_um, place.y_um)
            self._own.add(*corner, dose * self.footprint.weights)

    def _coarsen(self) -> None:
        self._own.coarsen()
        self.footprint = self.footprint.coarser()
        self._forget()
        self._shares.clear()

    def _forget(self) -> None:
        self._places.clear()
        self._cells.clear()

    def _fluence(self, place: _Place) -> NDArray[np.float64]:
        """Return the painted light of a place's field, (Y, X)."""
        row, column = self.footprint.corner(place.x_um, place.y_um)
        rows, columns = self.footprint.shape
        fluence = self._own.patch(row, column, (rows, columns))
        if self._others:
            pitch_um = self.footprint.pitch_um
            y_um = np.repeat((row + np.arange(rows) + 0.5) * pitch_um, columns)
            x_um = np.tile((column + np.arange(columns) + 0.5) * pitch_um, rows)
            for plane in self._others:
                fluence += plane.at(x_um, y_um).reshape(rows, columns)
        return fluence
