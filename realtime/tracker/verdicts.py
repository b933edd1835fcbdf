"""What happened to cells: told at once, judged some shots later, never silently changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.cells import NOBODY, join, new_cells, pick
from realtime.tracker.certainty import certainty
from realtime.tracker.pending import Pending
from realtime.wire import TrackEvent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells, Found
    from realtime.tracker.config import TrackerConfig
    from realtime.tracker.divisions import Split
    from realtime.tracker.habits import Habits

_TAKEN_OVER = ("place", "detection", "area", "area_now", "photons", "signal")
"""What a mother's row takes over from the daughter that it goes on as."""
_OWN = ("id", "parent", "age", "sightings", "since_division", "is_sure")
"""What makes a cell that cell, and not another one."""


class Verdicts:
    """Opens births, divisions and ends as provisional, and makes them final or takes them back.

    Each step is handed the table of cells and returns the new one.

    Attributes
    ----------
    events
        What happened in this shot.
    next_id
        Name of the next new cell.
    """

    def __init__(self, config: TrackerConfig, habits: Habits) -> None:
        self._config, self._learnt = config, habits
        self._pending: list[Pending] = []
        self.next_id = 0
        self.events: list[TrackEvent] = []

    def tell(self, kind: str, ids: list[int], parent_id: int = -1, is_final: bool = False) -> None:
        """Note the same event for some cells."""
        self.events += [TrackEvent(kind, track_id, parent_id, is_final) for track_id in ids]

    def count_hits(self, cells: Cells) -> None:
        """Note which daughters of provisional divisions were seen again."""
        seen = set(cells["id"][cells["missed"] == 0].tolist()) if self._pending else ()
        for pending in self._pending:
            pending.shots += 1
            pending.hits_mother += pending.mother_id in seen
            pending.hits_daughter += pending.daughter_id in seen

    def open_divisions(
        self, cells: Cells, splits: list[Split], before: Cells, found: Found
    ) -> Cells:
        """Let mothers go on as one daughter, and start tracks for the others."""
        if not splits:
            return cells
        mothers = np.array([split.mother for split in splits])
        kept = new_cells(cells["id"][mothers], np.array([s.kept for s in splits]), found)
        daughters = new_cells(self._new_ids(len(splits)), np.array([s.new for s in splits]), found)
        for name in _TAKEN_OVER:
            cells[name][mothers] = kept[name]
        for name in ("velocity", "missed", "since_division"):
            cells[name][mothers] = 0
        cells["sightings"][mothers] = 1
        daughters["parent"], daughters["since_division"] = kept["id"], 0
        odds = np.array([split.odds for split in splits])
        cells["margin"][mothers] = daughters["margin"] = odds
        cells["certainty"][mothers] = daughters["certainty"] = certainty(odds)
        for split, daughter_id in zip(splits, daughters["id"].tolist(), strict=True):
            was = before[split.mother]
            if was["missed"] > 0 and was["is_sure"]:
                self.tell("withdrawn", [int(was["id"])], is_final=True)  # her end
            self._pending.append(_pending(was, daughter_id, split, found))
            self.tell("division", [daughter_id], int(was["id"]))
        return join(cells, daughters)

    def open_births(self, cells: Cells, which: NDArray[np.intp], found: Found) -> Cells:
        """Start a track for every detection that nobody explains."""
        if len(which) == 0:
            return cells
        born = new_cells(self._new_ids(len(which)), which, found)
        self.tell("birth", born["id"].tolist())
        return join(cells, born)

    def judge(self, cells: Cells, axes: int, n_shots: int) -> Cells:
        """Say what became of everything that is provisional.

        Parameters
        ----------
        axes
            2 in a plane, 3 in a stack.
        n_shots
            Shots since the first: in that one everybody was new.
        """
        cells = self._judge_divisions(cells)
        cells = self._judge_births(cells, axes, n_shots)
        return self._judge_ends(cells)

    def _judge_divisions(self, cells: Cells) -> Cells:
        """Make provisional divisions final, or take them back, when their time is over."""
        due = [p for p in self._pending if p.shots >= self._config.verdict_shots]
        self._pending = [p for p in self._pending if p.shots < self._config.verdict_shots]
        n_final = 0
        for pending in due:
            mother = _row(cells, pending.mother_id)
            daughter = _row(cells, pending.daughter_id)
            if pending.is_believed and len(mother) and len(daughter):
                self._confirm(cells, pending, mother, daughter)
                n_final += 1
            else:
                cells = self._take_back(cells, pending, mother, daughter)
        self._learnt.rates.count_divisions(n_final, len(cells))
        return cells

    def _confirm(
        self,
        cells: Cells,
        pending: Pending,
        mother: NDArray[np.intp],
        daughter: NDArray[np.intp],
    ) -> None:
        """Give the daughter that went by her mother's name one of her own; changes `cells`."""
        sister_id = int(self._new_ids(1)[0])
        cells["is_sure"][daughter] = True
        cells["id"][mother] = sister_id
        cells["parent"][mother] = pending.mother_id
        cells["age"][mother] = pending.shots
        both = [pending.daughter_id, sister_id]
        self.tell("division", both, pending.mother_id, is_final=True)
        self._learnt.family.learn(pending.apart_px, *pending.areas)

    def _take_back(
        self,
        cells: Cells,
        pending: Pending,
        mother: NDArray[np.intp],
        daughter: NDArray[np.intp],
    ) -> Cells:
        """Return the cells as if there had been no division."""
        self.tell("withdrawn", [pending.daughter_id], pending.mother_id, is_final=True)
        cells["parent"][daughter] = -1
        cells["sightings"][mother] += pending.sightings
        cells["since_division"][mother] = pending.since_division
        if len(mother) and len(daughter) and pending.hits_daughter > pending.hits_mother:
            return self._go_on_as(cells, mother, daughter)
        return cells

    def _go_on_as(self, cells: Cells, mother: NDArray[np.intp], other: NDArray[np.intp]) -> Cells:
        """Let a cell go on in the row that was seen again; its own row was the false one."""
        if cells["missed"][mother] > 0:
            self.tell("withdrawn", cells["id"][mother].tolist(), is_final=True)  # her end
        for name in _OWN:
            cells[name][other] = cells[name][mother]
        return pick(cells, np.delete(np.arange(len(cells)), mother))

    def _judge_births(self, cells: Cells, axes: int, n_shots: int) -> Cells:
        """Make births final that were seen again in time; drop the others."""
        rates = self._learnt.rates
        due = ~cells["is_sure"] & (cells["age"] >= self._config.verdict_shots)
        good = due & (cells["sightings"] > 1)
        bad = due & ~good
        self.tell("birth", cells["id"][good].tolist(), is_final=True)
        orphan = cells["parent"] < 0
        self.tell("withdrawn", cells["id"][bad & orphan].tolist(), is_final=True)
        later = cells["age"] < n_shots
        rates.count_verdicts(
            int(np.count_nonzero(good & later)), int(np.count_nonzero(bad & later))
        )
        false = cells["place"][bad & later & orphan][:, :axes]
        true = cells["place"][good & later & orphan][:, :axes]
        rates.count_new(len(cells), false, true, self._learnt.gate.reach_px)
        cells["is_sure"][good] = True
        return pick(cells, ~bad) if bad.any() else cells

    def _judge_ends(self, cells: Cells) -> Cells:
        """Open the end of cells that are newly missed; drop those that were missed too long."""
        is_hidden = cells["host"] != NOBODY
        gone = (cells["missed"] > self._config.max_missed) & ~is_hidden
        fresh = (cells["missed"] == 1) & cells["is_sure"] & ~gone & ~is_hidden
        self.tell("end", cells["id"][fresh].tolist())
        self.tell("end", cells["id"][gone].tolist(), is_final=True)
        return pick(cells, ~gone) if gone.any() else cells

    def _new_ids(self, count: int) -> NDArray[np.int64]:
        self.next_id += count
        return np.arange(self.next_id - count, self.next_id)


def _pending(was: np.void, daughter_id: int, split: Split, found: Found) -> Pending:
    """Return what must be remembered of a division until its verdict."""
    apart_px = float(np.linalg.norm(found.px[split.kept] - found.px[split.new]))
    one, other = (float(found.areas[d]) for d in (split.kept, split.new))
    return Pending(
        int(was["id"]),
        daughter_id,
        int(was["sightings"]),
        int(was["since_division"]),
        apart_px,
        (float(was["area"]), one, other),
    )


def _row(cells: Cells, track_id: int) -> NDArray[np.intp]:
    return np.asarray((cells["id"] == track_id).nonzero()[0])
