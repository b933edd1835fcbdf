"""How much light each cell took: read from the map of the light along the cell's own way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.dose.fluence import FluenceMap
from realtime.memory import CellsLight
from realtime.wire import CellDoses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from acquire.dose.footprint import Footprint
    from acquire.dose.tiles import Tiles
    from realtime.wire import Tracks


class CellDose:
    """Adds up each cell's light, from all fields whose lit areas it was in.

    A cell takes the light that came since its field's last shot, where it is now. Daughters begin
    with their mother's dose. A cell with a new identity and no mother begins with all the light
    that its place ever took: it may have been there, unseen or under another name.

    Memory is bounded: of each field the cells of its last shot are kept.

    Parameters
    ----------
    footprints
        What an exposure of each line lights.
    shape_px
        Rows and columns of the frames.
    affine_um
        From pixels to the stage: x = a column + b row, y = c column + d row, um, from `axis_px`
        (Micro-Manager's `getPixelSizeAffine`, without its shifts).
    axis_px
        Row and column that lie at the stage's position; None: the frame's middle.
    before
        Light of earlier runs on the sample, by line.
    harm
        Weight of each line in the damage.
    """

    def __init__(
        self,
        footprints: Mapping[str, Footprint],
        shape_px: tuple[int, int],
        affine_um: tuple[float, float, float, float],
        before: Mapping[str, Sequence[Tiles]] | None = None,
        harm: Mapping[str, float] | None = None,
        axis_px: tuple[float, float] | None = None,
    ) -> None:
        self._footprints, self._affine_um = dict(footprints), affine_um
        rows, columns = shape_px
        row, column = axis_px or (0.5 * (rows - 1), 0.5 * (columns - 1))
        self._axis_px = row, column
        # Wherever the frame lies about the stage's position, this box about it holds all of it.
        reach = (max(row + 0.5, rows - 0.5 - row), max(column + 0.5, columns - 0.5 - column))
        self._seen_um = _box((2 * reach[0], 2 * reach[1]), affine_um)
        self._harm = dict(harm or {})
        before = before or {}
        self._ever = {
            light: FluenceMap(footprint, before.get(light, ()))
            for light, footprint in self._footprints.items()
        }
        self._fields: dict[int, _Field] = {}

    @property
    def lights(self) -> frozenset[str]:
        """The lines that are counted."""
        return frozenset(self._footprints)

    def light(self, position: int, light: str, x_um: float, y_um: float, dose: float) -> None:
        """Take in one exposure.

        Parameters
        ----------
        position
            The field that it was taken of.
        x_um, y_um
            Where the stage stood.
        dose
            Mean over the lit area, J/cm2 or relative.
        """
        self._ever[light].add(x_um, y_um, dose)
        footprint = self._footprints[light]
        rows, columns = footprint.shape
        reach_x = 0.5 * (columns * footprint.pitch_um + self._seen_um[0])
        reach_y = 0.5 * (rows * footprint.pitch_um + self._seen_um[1])
        for number, field in self._fields.items():
            at_x, at_y = field.at_um
            if number == position or (abs(at_x - x_um) < reach_x and abs(at_y - y_um) < reach_y):
                field.fresh[light].add(x_um, y_um, dose)

    def read(self, position: int, x_um: float, y_um: float, tracks: Tracks) -> CellDoses:
        """Return what every cell of a field has taken, its last shot included.

        Parameters
        ----------
        x_um, y_um
            Where the stage stands.
        """
        field = self._fields.get(position)
        if field is None:
            fresh = {light: FluenceMap(f) for light, f in self._footprints.items()}
            field = self._fields[position] = _Field((x_um, y_um), fresh)
        field.at_um = (x_um, y_um)
        places = self._places(x_um, y_um, tracks)
        dose = {light: self._of_line(light, field, places, tracks) for light in self._footprints}
        field.taken = {
            light: dict(zip(tracks.ids, found, strict=True)) for light, found in dose.items()
        }
        for fluence in field.fresh.values():
            fluence.clear()
        by_line = {light: tuple(found) for light, found in dose.items()}
        return CellDoses(tracks.ids, by_line, self._damage(dose, len(tracks.ids)))

    def known(self, position: int) -> CellsLight:
        """Return what the cells of a field have taken, for keeping."""
        field = self._fields.get(position)
        if field is None or not field.taken:
            return CellsLight()
        ids = tuple(next(iter(field.taken.values())))
        return CellsLight(ids, {light: tuple(of.values()) for light, of in field.taken.items()})

    def resume(
        self,
        position: int,
        stood_um: tuple[float, float],
        dose: Mapping[str, float],
        cells: CellsLight,
    ) -> None:
        """Go on from what was known of a field.

        Parameters
        ----------
        stood_um
            Where the stage stood; all light of the field is taken to have come from there.
        dose
            Light of the field in this run, by line.
        """
        fresh = {light: FluenceMap(f) for light, f in self._footprints.items()}
        field = self._fields[position] = _Field(stood_um, fresh)
        for light in self._footprints:
            self._ever[light].add(*stood_um, dose.get(light, 0.0))
            field.taken[light] = dict(zip(cells.ids, cells.taken.get(light, ()), strict=False))

    def _of_line(
        self,
        light: str,
        field: _Field,
        places: tuple[NDArray[np.float64], NDArray[np.float64]],
        tracks: Tracks,
    ) -> list[float]:
        fresh: list[float] = field.fresh[light].at(*places).tolist()
        ever: list[float] = self._ever[light].at(*places).tolist()
        taken = field.taken.get(light, {})
        found = []
        for row, (cell, parent) in enumerate(zip(tracks.ids, tracks.parents, strict=True)):
            before = taken.get(cell, taken.get(parent))
            found.append(ever[row] if before is None else before + fresh[row])
        return found

    def _damage(self, dose: Mapping[str, list[float]], n_cells: int) -> tuple[float, ...]:
        total = np.zeros(n_cells)
        for light, found in dose.items():
            total += self._harm.get(light, 0.0) * np.asarray(found)
        return tuple(total.tolist())

    def _places(
        self, x_um: float, y_um: float, tracks: Tracks
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the cells are on the stage, um."""
        a, b, c, d = self._affine_um
        row = np.asarray(tracks.y_px, np.float64) - self._axis_px[0]
        column = np.asarray(tracks.x_px, np.float64) - self._axis_px[1]
        return x_um + a * column + b * row, y_um + c * column + d * row


class _Field:
    """What is kept of a field: its light since its last shot, and its cells' light until then."""

    __slots__ = ("at_um", "fresh", "taken")

    def __init__(self, at_um: tuple[float, float], fresh: dict[str, FluenceMap]) -> None:
        self.at_um, self.fresh = at_um, fresh
        self.taken: dict[str, dict[int, float]] = {}


def _box(
    shape_px: tuple[float, float], affine_um: tuple[float, float, float, float]
) -> tuple[float, float]:
    """Return width and height of the part of the stage that a frame shows, um."""
    rows, columns = shape_px
    a, b, c, d = affine_um
    return abs(a) * columns + abs(b) * rows, abs(c) * columns + abs(d) * rows
