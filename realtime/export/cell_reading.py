"""Reads the cells of each field from a run, with all verdicts in.

While a run goes on, a division is first provisional: the mother's name goes on as one daughter.
When it is final, that daughter gets a name of her own. Here everybody has the final name from the
shot of the division on. Who was taken back (a false birth) is still listed, and said to be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from realtime.export.cells import FINAL, PROVISIONAL, WITHDRAWN, Cell, FieldCells, Sighting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from acquire.frame import FrameInfo
    from realtime.run_file import RunReader
    from realtime.wire import Result, TrackEvent


def field_cells(reader: RunReader) -> list[FieldCells]:
    """Return the cells of each field of a run, in the order of the plan."""
    frames: dict[int, list[FrameInfo]] = {}
    for info in reader.infos:
        frames.setdefault(info.shot.number, []).append(info)
    fields: dict[int, _Reading] = {}
    for result in _last_words(reader.results):
        reading = fields.setdefault(result.position, _Reading(result.position))
        reading.take(result, tuple(frames.get(result.shot, ())))
    return [fields[position].done() for position in sorted(fields)]


def _begins_anew(result: Result) -> bool:
    """Whether names may come that other cells had before: of a worker that knew nothing of them."""
    known = result.recalled
    if known is None:
        return result.is_fresh  # of a recording from before workers remembered
    return known.shot < 0 and known.first_name == 0


def _last_words(results: Iterable[Result]) -> Iterator[Result]:
    """Yield one result a shot: a worker that started again repeats the last, and goes on there."""
    held: Result | None = None
    for result in results:
        if held is not None and held.shot != result.shot:
            yield held
        held = result
    if held is not None:
        yield held


class _Reading:
    """Reads one field's results in their order."""

    def __init__(self, position: int) -> None:
        self._field = FieldCells(position)
        self._open: set[int] = set()  # cells that were there when a worker before this one died
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Let names go on where a worker that started again names its cells from 0."""
        self._open |= self._seen_last()
        self._first = max(self._field.cells, default=-1) + 1
        self._splits: dict[int, int] = {}  # shot from which on a daughter was known
        self._divided: dict[int, int] = {}  # and a mother that has divided for good
        self._gone: set[int] = set()
        self._apart: set[int] = set()  # cells that have just come out of a host

    def take(self, result: Result, frames: tuple[FrameInfo, ...]) -> None:
        """Take the next result."""
        if _begins_anew(result):
            self._begin_anew()
        at = len(self._field.shots)
        sightings = list(self._sightings(result, at))
        for event in result.events:
            self._happen(event, at)
        if frames:
            self._field.shots.append(frames)
            self._field.sightings.append(sightings)
        else:
            self._field.left_out.append(result.shot)

    def done(self) -> FieldCells:
        """Return the field, every time point with its number."""
        known = self._field
        indices = [frames[0].index.t for frames in known.shots]
        known.times = indices if len(set(indices)) == len(indices) else list(range(len(indices)))
        undecided = self._open | self._seen_last()
        for cell in known.cells.values():
            if cell.verdict == PROVISIONAL and cell.number not in undecided:
                cell.verdict = WITHDRAWN  # it was dropped as another name of its mother
        return known

    def _seen_last(self) -> set[int]:
        shots = self._field.sightings
        return {sighting.cell for sighting in shots[-1]} if shots else set()

    def _sightings(self, result: Result, at: int) -> Iterator[Sighting]:
        tracks, doses = result.tracks, result.cell_dose
        n = len(tracks.ids)
        parents, missed = tracks.parents or (-1,) * n, tracks.missed or (0,) * n
        unknown = (math.nan,) * n
        photons, areas = tracks.photons or unknown, tracks.area_px or unknown
        heights, sds = tracks.z_px or unknown, tracks.z_sd_px or unknown
        kinds = tracks.classes if tracks.kinds else ((),) * n
        self._field.kinds = tracks.kinds or self._field.kinds
        has_dose = doses is not None and doses.ids == tracks.ids
        for row, number in enumerate(tracks.ids):
            cell = self._cell(number)
            cell.parent = self._first + parents[row] if parents[row] >= 0 else -1
            dose = {} if doses is None or not has_dose else doses.dose
            damage = doses.damage if doses is not None and has_dose else ()
            yield Sighting(
                frame=at,
                cell=cell.number,
                y_px=tracks.y_px[row],
                x_px=tracks.x_px[row],
                is_seen=missed[row] == 0,
                photons_e=photons[row],
                area_px=areas[row],
                dose={light: of[row] for light, of in dose.items()},
                damage=damage[row] if damage else math.nan,
                z_px=heights[row],
                z_sd_px=sds[row],
                kinds=kinds[row],
            )

    def _happen(self, event: TrackEvent, at: int) -> None:
        cell = self._cell(event.track_id)
        match event.kind, event.is_final:
            case "birth", True:
                cell.verdict = FINAL
            case "division", False:
                cell.beginning = "division"
                self._splits[cell.number] = at
            case "division", True:
                self._divide(cell, self._cell(event.parent_id))
            case "end", is_final:
                cell.ending = "end"
                if is_final:
                    self._gone.add(cell.number)
            case "merge", _:
                cell.ending = "merge"
            case "split", is_final:
                cell.ending = ""
                (self._apart.discard if is_final else self._apart.add)(cell.number)
            case "withdrawn", _:
                self._take_back(cell, is_division=event.parent_id >= 0)

    def _divide(self, daughter: Cell, mother: Cell) -> None:
        """Name both daughters: the one that went by the mother's name gets her own."""
        daughter.parent, daughter.beginning, daughter.verdict = mother.number, "division", FINAL
        mother.ending = "division"
        known_from = self._splits.pop(daughter.number, None)
        if known_from is not None:
            self._divided[mother.number] = known_from
            return
        first = self._divided.pop(mother.number, len(self._field.sightings))
        for shot in self._field.sightings[first:]:
            shot[:] = [
                s._replace(cell=daughter.number) if s.cell == mother.number else s for s in shot
            ]

    def _take_back(self, cell: Cell, *, is_division: bool) -> None:
        if is_division:
            cell.beginning, cell.verdict = "birth", PROVISIONAL
            self._splits.pop(cell.number, None)
        elif cell.number in self._apart:  # it had not come out of its host after all
            self._apart.discard(cell.number)
        elif cell.ending in ("end", "merge") and cell.number not in self._gone:
            cell.ending = ""
        else:
            cell.verdict = WITHDRAWN

    def _cell(self, number: int) -> Cell:
        name = self._first + number
        return self._field.cells.setdefault(name, Cell(name))
