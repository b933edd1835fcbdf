"""Follows the cells of one field, shot by shot, in bounded memory and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, Field

from realtime.tracker.assign import gated_lap
from realtime.tracker.cells import Cells, Found, new_cells, no_cells
from realtime.tracker.divisions import Pending, Rules, Scene, Split, find_splits
from realtime.tracker.motion import Gate, Motion, common_drift
from realtime.wire import TrackEvent, Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detections import Detections

_AREA_FRESH = 0.3
"""Weight of the newest detection in a cell's area (measured: tracking benchmark)."""
_DRIFT_PASSES = 2
"""Rounds of "link, see how the crowd moves, link again" where cells are crowded (measured)."""
_OFF_RADII = 1.1
"""Farthest midpoint of two daughters from their mother, in mean radii (measured: 1.0 to 1.2)."""
_AREA_SAY = 0.3
"""Most that odd sizes add to the cost of a division while all births are true (measured)."""
_FALSE_AT_FIRST = 0.2
"""Share of births that is taken for false before anything was learnt (proposed)."""
_BIRTHS_FADE = 0.9
"""How much of the count of true and false births stays after a shot with verdicts (proposed)."""


class TrackerConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """How cells are followed from shot to shot."""

    max_step_px: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Longest step of a cell between two shots, pixels; left out, it is learnt from the cells."""

    max_missed: Annotated[int, Field(ge=0, le=20)] = 2
    """Shots in a row for which a cell may go unseen before its track ends."""

    verdict_shots: Annotated[int, Field(ge=1, le=10)] = 2
    """Shots after which a birth or a division becomes final, or is withdrawn."""

    use_area: bool = True
    """Let the sizes of mother and daughters speak in a division; off where areas mean nothing."""

    division_reach_px: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Longest way from a mother to a new daughter, pixels; left out, three radii or a step."""


class Tracker:
    """Gives every cell an identity that it keeps, and tells births, divisions and ends.

    Links are final at once. Births, divisions and ends are provisional when first seen, and final
    or withdrawn `verdict_shots` later (an end: after `max_missed`). While a division is
    provisional the mother's track goes on as one daughter; when it is final that daughter gets an
    identity of her own, and both name the mother as their parent. An event of kind "withdrawn"
    takes back the open event of its track.

    The pipeline keeps one tracker for each position: a stage move is not motion.

    Attributes
    ----------
    labels
        Identity of each detection of the last shot, (M,) int64; -1 for none.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._cells: Cells = no_cells()
        self._motion, self._gate = Motion(), Gate(config.max_step_px)
        self._pending: list[Pending] = []
        self._births_true, self._births_false = 1.0 - _FALSE_AT_FIRST, _FALSE_AT_FIRST
        self._next_id, self._shots = 0, -1
        self._events: list[TrackEvent] = []
        self.labels: NDArray[np.int64] = np.empty(0, np.int64)
        _warm_up()

    def update(self, detections: Detections) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        """Take in what was detected in the next shot; return the cells and what happened to them.

        A cell that was missed stays in the answer, where it is expected, with `missed` > 0.
        """
        self._events = []
        self._shots += 1
        found = Found(
            np.column_stack((detections.y_px, detections.x_px)).astype(np.float64),
            np.asarray(detections.area_px, np.float64),
            np.asarray(detections.photons, np.float64),
        )
        self._gate.look(found)
        before = self._cells.copy()
        linked = self._link(found)
        self._take(linked, found)
        self._count_hits()
        free = np.setdiff1d(np.arange(len(found.places)), linked)
        taken = self._split(
            find_splits(Scene(before, linked, free, found), self._rules()), before, found
        )
        self._bear(np.setdiff1d(free, taken), found)
        self._judge_divisions()
        self._judge_births()
        self._judge_ends()
        self._label(len(found.places))
        return self._tracks(), tuple(self._events)

    def _link(self, found: Found) -> NDArray[np.intp]:
        """Return the detection of each cell, -1 for none."""
        cells, places = self._cells, found.places
        alone = expected = self._motion.expect(cells, 1)
        gates = self._gate.reach_px * np.sqrt(cells["missed"] + 1.0)
        pairs = gated_lap(expected, places, gates)
        for _ in range(_DRIFT_PASSES if self._gate.is_crowded else 0):
            expected = alone + common_drift(alone, places, pairs)
            pairs = gated_lap(expected, places, gates)
        linked = np.full(len(cells), -1, np.intp)
        linked[pairs[:, 0]] = pairs[:, 1]
        pairs = pairs[cells["missed"][pairs[:, 0]] == 0]
        off = places[pairs[:, 1]] - expected[pairs[:, 0]]
        self._gate.learn(np.hypot(off[:, 0], off[:, 1]))
        return linked

    def _take(self, linked: NDArray[np.intp], found: Found) -> None:
        """Write what was found into the cells; what was not found is missed."""
        cells = self._cells
        was_missed = cells["missed"].copy()
        hit = np.flatnonzero(linked >= 0)
        which, seen = linked[hit], cells[hit]
        self._motion.learn(seen, found.places[which])
        seen["area"] += _AREA_FRESH * (found.areas[which] - seen["area"])
        seen["area_now"], seen["photons"] = found.areas[which], found.photons[which]
        seen["sightings"] += 1
        cells[hit] = seen
        cells["age"] += 1
        cells["detection"] = linked
        cells["missed"] = np.where(linked >= 0, 0, was_missed + 1)
        back = (linked >= 0) & (was_missed > 0) & cells["is_sure"]
        self._tell("withdrawn", cells["id"][back].tolist(), is_final=True)

    def _count_hits(self) -> None:
        """Note which daughters of provisional divisions were seen again."""
        seen = set(self._cells["id"][self._cells["missed"] == 0].tolist()) if self._pending else ()
        for pending in self._pending:
            pending.shots += 1
            pending.hits_mother += pending.mother_id in seen
            pending.hits_daughter += pending.daughter_id in seen

    def _rules(self) -> Rules:
        """Return what is believed to be a division; sizes matter most where births are false."""
        gate_px, radius_px = self._gate.reach_px, self._gate.radius_px
        return Rules(
            reach_px=self._config.division_reach_px or max(gate_px, 3 * radius_px),
            off_px=max(gate_px / 2, _OFF_RADII * radius_px),
            area_say=_AREA_SAY + self._false_share if self._config.use_area else 0.0,
        )

    def _split(self, splits: list[Split], before: Cells, found: Found) -> list[int]:
        """Open provisional divisions; return the detections that are daughters."""
        for split in splits:
            mother = self._cells[split.mother : split.mother + 1]
            mother_id = int(mother["id"][0])
            if before["missed"][split.mother] > 0 and mother["missed"][0] > 0:
                self._tell("withdrawn", [mother_id], is_final=True)  # her end
            mother["place"], mother["velocity"] = found.places[split.kept], 0.0
            mother["detection"], mother["missed"], mother["sightings"] = split.kept, 0, 1
            mother["area"] = mother["area_now"] = found.areas[split.kept]
            mother["photons"] = found.photons[split.kept]
            daughter = new_cells(self._new_ids(1), np.array([split.new]), found)
            daughter["parent"] = mother_id
            self._cells = np.concatenate((self._cells, daughter))
            daughter_id = int(daughter["id"][0])
            sightings = int(before["sightings"][split.mother])
            self._pending.append(Pending(mother_id, daughter_id, sightings))
            self._tell("division", [daughter_id], mother_id)
        return [d for split in splits for d in (split.kept, split.new)]

    def _bear(self, which: NDArray[np.intp], found: Found) -> None:
        """Start a track for every detection that nobody explains."""
        born = new_cells(self._new_ids(len(which)), which, found)
        self._cells = np.concatenate((self._cells, born))
        self._tell("birth", born["id"].tolist())

    def _judge_divisions(self) -> None:
        """Make provisional divisions final, or take them back, when their time is over."""
        due = [p for p in self._pending if p.shots >= self._config.verdict_shots]
        self._pending = [p for p in self._pending if p.shots < self._config.verdict_shots]
        for pending in due:
            mother = self._row(pending.mother_id)
            daughter = self._row(pending.daughter_id)
            if pending.is_believed and len(mother) and len(daughter):
                sister_id = int(self._new_ids(1)[0])
                daughter_ids = [pending.daughter_id, sister_id]
                self._cells["is_sure"][daughter] = True
                self._cells["id"][mother] = sister_id
                self._cells["parent"][mother] = pending.mother_id
                self._cells["age"][mother] = pending.shots
                self._tell("division", daughter_ids, pending.mother_id, is_final=True)
                continue
            self._tell("withdrawn", [pending.daughter_id], pending.mother_id, is_final=True)
            self._cells["parent"][daughter] = -1
            self._cells["sightings"][mother] += pending.sightings
            if len(mother) and len(daughter) and pending.hits_daughter > pending.hits_mother:
                self._go_on_as(mother, daughter)

    def _go_on_as(self, mother: NDArray[np.intp], other: NDArray[np.intp]) -> None:
        """Let a cell go on in the row that was seen again; its own row was the false one."""
        cells = self._cells
        if cells["missed"][mother] > 0:
            self._tell("withdrawn", cells["id"][mother].tolist(), is_final=True)  # her end
        for name in ("id", "parent", "age", "sightings", "is_sure"):
            cells[name][other] = cells[name][mother]
        self._cells = np.delete(cells, mother)

    def _judge_births(self) -> None:
        """Make births final that were seen again in time; drop the others."""
        cells = self._cells
        due = ~cells["is_sure"] & (cells["age"] >= self._config.verdict_shots)
        good = due & (cells["sightings"] > 1)
        bad = due & ~good
        self._tell("birth", cells["id"][good].tolist(), is_final=True)
        self._tell("withdrawn", cells["id"][bad & (cells["parent"] < 0)].tolist(), is_final=True)
        later = cells["age"] < self._shots  # in the first shot everybody was new
        n_good, n_bad = np.count_nonzero(good & later), np.count_nonzero(bad & later)
        if n_good + n_bad:
            self._births_true = _BIRTHS_FADE * self._births_true + n_good
            self._births_false = _BIRTHS_FADE * self._births_false + n_bad
        cells["is_sure"][good] = True
        self._cells = cells[~bad]

    @property
    def _false_share(self) -> float:
        """Share of births that were taken back lately."""
        return self._births_false / (self._births_true + self._births_false)

    def _judge_ends(self) -> None:
        """Open the end of cells that are newly missed; drop those that were missed too long."""
        cells = self._cells
        gone = cells["missed"] > self._config.max_missed
        fresh = (cells["missed"] == 1) & cells["is_sure"] & ~gone
        self._tell("end", cells["id"][fresh].tolist())
        self._tell("end", cells["id"][gone].tolist(), is_final=True)
        self._cells = cells[~gone]

    def _row(self, track_id: int) -> NDArray[np.intp]:
        return np.flatnonzero(self._cells["id"] == track_id)

    def _new_ids(self, count: int) -> NDArray[np.int64]:
        self._next_id += count
        return np.arange(self._next_id - count, self._next_id)

    def _tell(
        self, kind: str, ids: list[int], parent_id: int = -1, *, is_final: bool = False
    ) -> None:
        self._events += [TrackEvent(kind, track_id, parent_id, is_final) for track_id in ids]

    def _label(self, n_found: int) -> None:
        cells = self._cells[self._cells["detection"] >= 0]
        self.labels = np.full(n_found, -1, np.int64)
        self.labels[cells["detection"]] = cells["id"]

    def _tracks(self) -> Tracks:
        cells = self._cells
        places = self._motion.expect(cells, 0)
        return Tracks(
            ids=tuple(cells["id"].tolist()),
            parents=tuple(cells["parent"].tolist()),
            y_px=tuple(places[:, 0].tolist()),
            x_px=tuple(places[:, 1].tolist()),
            vy_px=tuple(cells["step"][:, 0].tolist()),
            vx_px=tuple(cells["step"][:, 1].tolist()),
            ages=tuple(cells["age"].tolist()),
            missed=tuple(cells["missed"].tolist()),
            photons=tuple(cells["photons"].tolist()),
            area_px=tuple(cells["area_now"].tolist()),
        )


def _warm_up() -> None:
    """Link two dummy cells: scipy's first call loads code, and must not cost the first shot."""
    two = np.array([[0.0, 0.0], [9.0, 9.0]])
    gated_lap(two, two, np.array([3.0, 3.0]))
