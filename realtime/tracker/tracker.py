"""Follows the cells of one field, shot by shot, in bounded memory and time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.tracker.answer import labels_of, spread_out, tracks_of
from realtime.tracker.cells import (
    Cells,
    Found,
    no_cells,
    not_twice,
    pick,
    rescale_heights,
)
from realtime.tracker.certainty import certainty
from realtime.tracker.doubts import (
    CHANCE,
    FLOOD,
    GAP,
    JUMPED,
    NOT_NUMBERS,
    REPEATED,
    Crowd,
    is_repeated,
    nearest_only,
    real_ones,
)
from realtime.tracker.explain import explain
from realtime.tracker.habits import Habits
from realtime.tracker.kinds import Kinds
from realtime.tracker.links import warm_up
from realtime.tracker.merges import Merges, Open
from realtime.tracker.pending import pending_of
from realtime.tracker.sightings import write_down
from realtime.tracker.state import pack, unpack
from realtime.tracker.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from realtime.detections import Detections
    from realtime.tracker.config import TrackerConfig
    from realtime.tracker.explain import Explanation
    from realtime.wire import TrackEvent, Tracks

_PLANE = 2
"""Axes of a plane."""
_LONGEST_GAP = 1000
"""More missing shots count as so many: cells are looked for no farther off (proposed)."""


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
        Identity of each detection of the last shot, (M,) int64; -1 for none, as for a cell that
        was found twice.
    has_jumped
        Whether the whole field jumped before the last shot: a bumped stage is no motion.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._habits = Habits(config)
        self._verdicts = Verdicts(config, self._habits)
        self._merges = Merges(config.verdict_shots, self._verdicts.tell)
        self._cells: Cells = no_cells()
        self._kinds = Kinds()
        self._crowd = Crowd(config.max_cells)
        self._shots, self._gap, self._carried_px = -1, 0, np.zeros(_PLANE)
        self._is_chance = False
        self._last: NDArray[np.float64] = np.empty((0, _PLANE))
        self.has_jumped = False
        self.labels: NDArray[np.int64] = np.empty(0, np.int64)
        warm_up()

    def state(self) -> bytes:
        """Return all that is known, as plain bytes, to go on from later (`resume`)."""
        return pack(self, self._config.model_dump_json())

    def resume(self, state: bytes) -> None:
        """Go on where another tracker with the same settings stood when it gave its `state`.

        Raises
        ------
        ValueError
            If the bytes are damaged, or of other settings or another version.
        """
        lists: dict[str, Callable[..., Any]] = {"_open": Open, "_pending": pending_of}
        fresh = Tracker(self._config)
        unpack(fresh, state, self._config.model_dump_json(), lists)  # all of it, or nothing
        vars(self).update(vars(fresh))

    @property
    def next_name(self) -> int:
        """The name that the next new cell gets."""
        return self._verdicts.next_id

    def name_from(self, first: int) -> None:
        """Give new cells no name below this one: others may bear those."""
        self._verdicts.next_id = max(self._verdicts.next_id, first)

    def carry(self, y_px: float, x_px: float) -> None:
        """Tell that the stage has moved, and all that is seen with it: so far in the frame, px.

        The next shot says whether the cells really went along: whoever follows a drifting sample
        moves the stage to keep them where they are. What is no number says nothing.
        """
        if math.isfinite(y_px) and math.isfinite(x_px):
            self._carried_px += y_px, x_px

    def skip(self, shots: int = 1) -> None:
        """Tell that shots are missing before the next one: nobody looked, so nobody was missed."""
        self._gap = min(self._gap + max(shots, 0), _LONGEST_GAP)

    def update(self, detections: Detections) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        """Take in what was detected in the next shot; return the cells and what happened to them.

        A cell that was missed stays in the answer, where it is expected, with `missed` > 0. What is
        wrong with the shot is in the answer's `flags`.
        """
        n_all = len(detections)
        detections, which = real_ones(detections)
        found, verdicts = self._found_in(detections), self._verdicts
        flags = [NOT_NUMBERS] if which is not None else []
        verdicts.events = []
        self._shots += 1
        if is_flood := self._crowd.is_flood(found, len(self._cells), is_first=not self._shots):
            flags.append(FLOOD)
            found, which = self._thinned(found, which)
        elif is_repeated(found, self._last):
            flags.append(REPEATED)
        else:
            self._habits.look(found)
        self._last = found.px
        told = self._explained(found, is_hasty=is_flood or self._is_chance)
        self._is_chance = told.is_chance
        flags += [CHANCE] * told.is_chance + [JUMPED] * told.is_upheaval + [GAP] * (self._gap > 0)
        before = self._learn(told, found, teaches=not {FLOOD, REPEATED, GAP} & set(flags))
        back = write_down(self._cells, told.linked, found, self._habits, self._gap)
        verdicts.tell("withdrawn", self._cells["id"][back].tolist(), is_final=True)
        self._gap = 0
        axes = found.places.shape[1]
        if not is_flood:
            near = self._habits.rates.cover(found)
            self._merges.take(self._cells, before, self._habits.jitter, near)
        verdicts.count_hits(self._cells)
        cells = verdicts.open_divisions(self._cells, told.splits, before, found)
        if not is_flood:
            new = not_twice(found, _unexplained(told, len(found)))
            cells = verdicts.open_births(cells, new, found)
        self._cells = verdicts.judge(cells, axes, self._shots)
        self.labels = spread_out(labels_of(self._cells, len(found)), which, n_all)
        self._kinds.take(self._cells, found.classes)
        tracks = tracks_of(
            self._cells,
            self._habits,
            tuple(flags),
            has_z=axes > _PLANE,
            classes=self._kinds.told(),
            z_sd_px=found.z_sd_px,
        )
        return tracks, tuple(verdicts.events)

    def _found_in(self, detections: Detections) -> Found:
        """Return what was detected, with heights as sure as places in the plane."""
        if detections.z_px is not None:
            rescale_heights(self._cells, self._habits.settle_heights())
        return Found.of(detections, self._habits.heights.ratio)

    def _explained(self, found: Found, *, is_hasty: bool) -> Explanation:
        return explain(
            self._cells,
            found,
            self._habits,
            use_area=self._config.use_area,
            is_settled=self._shots > 1,
            carried=self._carry_along(found.places.shape[1]),
            is_hasty=is_hasty,
            gap=self._gap,
        )

    def _thinned(
        self, found: Found, which: NDArray[np.intp] | None
    ) -> tuple[Found, NDArray[np.intp]]:
        """Return those of a flood that may be known cells, and which of all detections they are."""
        axes = found.places.shape[1]
        there = self._habits.motion.expect(self._cells, 1 + self._gap)[:, :axes]
        few = nearest_only(found, there + self._carried_in(axes), self._habits.gate.reach_px)
        return found.some(few), few if which is None else which[few]

    def _carried_in(self, axes: int) -> NDArray[np.float64]:
        """Return how far the stage has moved everything since the last shot, px, (D,)."""
        carried = np.zeros(axes)
        carried[:_PLANE] = self._carried_px
        return carried

    def _carry_along(self, axes: int) -> NDArray[np.float64] | None:
        """Move all cells with the stage; return how far, px, (D,); None: it stood still."""
        if not self._carried_px.any():
            return None
        carried, self._carried_px = self._carried_in(axes), np.zeros(_PLANE)
        self._cells["place"][:, :axes] += carried
        return carried

    def _learn(self, told: Explanation, found: Found, *, teaches: bool) -> Cells:
        """Learn from an explanation before it is written down; return the cells as they were.

        A shot that `teaches` is one like others: from it, it is learnt how far cells go.
        """
        cells = self._cells
        self.has_jumped = told.is_upheaval
        if told.jump is not None:  # the stage moved, not the cells
            cells["place"][:, : len(told.jump)] += told.jump
        if told.ways is not None:
            cells["place"][:, : told.ways.shape[1]] += told.ways
        cells["margin"], cells["certainty"] = told.odds, certainty(told.odds)
        if teaches:
            self._habits.learn_misses(cells, told.expected, found, told.linked)
        return pick(cells, np.arange(len(cells)))


def _unexplained(told: Explanation, n_found: int) -> NDArray[np.intp]:
    """Return the detections that are nobody's."""
    is_free = np.ones(n_found + 1, np.bool_)
    is_free[told.linked] = False  # -1 is the one that is too many
    is_free[[d for s in told.splits for d in (s.kept, s.new)]] = False
    return is_free[:-1].nonzero()[0]
