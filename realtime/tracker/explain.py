"""Explains a shot: which detection is which cell, who divided, and how sure each answer is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.assign import Pairs, cheapest_links, prices
from realtime.tracker.cells import pick
from realtime.tracker.certainty import certainty, link_odds
from realtime.tracker.divisions import Scene, Split, find_splits, make_room, willingness
from realtime.tracker.doubts import are_guesses
from realtime.tracker.drift import common_drift
from realtime.tracker.glance import is_strange, middle_of
from realtime.tracker.links import Expected, possible_links
from realtime.tracker.upheaval import Linking, with_flow, with_upheaval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells, Found
    from realtime.tracker.habits import Habits

_DRIFT_PASSES = 2
"""Rounds of "link, see how the crowd moves, link again" where cells are crowded (measured)."""
_NEWS = 0.45
"""Smallest new motion of the crowd, over the spread of a cell, that is followed: sixteen neighbours
without common motion seem to move by 0.4 (tuned)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of each cell.

    Attributes
    ----------
    expected
        Where the cells should have been.
    linked
        Detection of each cell, (N,); -1: missed, or divided.
    splits
        Who divided.
    is_chance
        Whether links are hardly better than guesses; then nobody divides.
    odds
        Log odds, nats, (N,), that each cell's link is right.
    is_upheaval, jump
        Whether the whole field moved as it never does; how far, if all went the same way, px, (D,).
    ways
        How far each cell was carried beyond that, px, (N, D); None: nobody was.
    """

    expected: Expected
    linked: NDArray[np.intp]
    splits: list[Split]
    odds: NDArray[np.float64]
    is_upheaval: bool
    jump: NDArray[np.float64] | None
    ways: NDArray[np.float64] | None
    is_chance: bool = False


def explain(
    cells: Cells,
    found: Found,
    habits: Habits,
    *,
    use_area: bool,
    is_settled: bool,
    carried: NDArray[np.float64] | None = None,
    is_hasty: bool = False,
    gap: int = 0,
) -> Explanation:
    """Return the likeliest explanation of a shot; nothing is changed.

    Parameters
    ----------
    use_area
        Whether sizes say who is who.
    is_settled
        Whether enough shots were seen to doubt cells that were seen only once.
    carried
        How far the stage took all cells since the last shot, px, (D,); their places count it.
    is_hasty
        Whether nothing is searched for but links: the shot's time is kept where all is noise.
    gap
        Shots that nobody saw since the last one.
    """
    shot = _Shot(cells, found, habits, use_area, gap)
    return shot.hasten() if is_hasty else shot.explain(is_settled, carried)


class _Shot:
    """One shot while it is explained."""

    def __init__(
        self,
        cells: Cells,
        found: Found,
        habits: Habits,
        use_area: bool,
        gap: int = 0,
        newcomers: NDArray[np.float64] | None = None,
    ) -> None:
        self._cells, self._found, self._habits = cells, found, habits
        self._use_area, self._gap = use_area, gap
        if newcomers is None:
            newcomers = habits.rates.log_newcomers(found.places, habits.gate.reach_px)
        self._newcomers = newcomers

    def explain(self, is_settled: bool, carried: NDArray[np.float64] | None) -> Explanation:
        found, expected = self._found, self._expect()
        pairs = self._pairs(expected)
        if self._is_chance_amid(expected, pairs, is_settled, carried):
            return self._taken(expected, pairs, is_chance=True)
        usual = self._follow_crowd(Linking(expected, pairs, cheapest_links(pairs)))
        missed = self._habits.rates.missed
        is_here = self._cells["missed"] == 0
        is_sure = is_here & self._cells["is_sure"]
        gate = self._habits.gate
        now = with_upheaval(usual, found.places, is_here, gate, missed, self._pairs, carried)
        if now.jump is not None:
            now = self._follow_crowd(now)
        now = with_flow(now, found.places, is_sure, gate, missed, self._pairs)
        expected, pairs, linked = now.expected, now.pairs, now.linked
        splits = self._splits(expected, pairs, prices(pairs, linked), is_settled)
        if splits:
            pairs, linked = make_room(pairs, linked, splits)
        odds = link_odds(pairs, linked)
        is_chance = are_guesses(linked, certainty(odds))
        if is_chance and splits:  # where cells are guessed, daughters are
            splits, pairs, linked = [], now.pairs, now.linked
            odds = link_odds(pairs, linked)
        return Explanation(
            expected, linked, splits, odds, now.is_upheaval, now.jump, now.ways, is_chance
        )

    def hasten(self) -> Explanation:
        """Take the best links from where cells are expected, and search for nothing else."""
        expected = self._expect()
        pairs = self._pairs(expected)
        is_chance = self._is_chance_amid(expected, pairs, True, None)
        return self._taken(expected, pairs, is_chance)

    def _is_chance_amid(
        self,
        expected: Expected,
        pairs: Pairs,
        is_settled: bool,
        carried: NDArray[np.float64] | None,
    ) -> bool:
        """Whether the middle of a large strange field, whatever is searched for, is chance."""
        if not is_strange(expected, pairs):
            return False
        reach_px = self._habits.gate.reach_px
        axes = self._found.places.shape[1]
        few, near = middle_of(self._cells["place"][:, :axes], self._found.places, reach_px)
        amid = _Shot(
            pick(self._cells, few),
            self._found.some(near),
            self._habits,
            self._use_area,
            self._gap,
            self._newcomers[near],
        )
        return amid.explain(is_settled, carried).is_chance

    def _taken(self, expected: Expected, pairs: Pairs, is_chance: bool) -> Explanation:
        """Take the best links as they are; they may be known to be chance."""
        linked = cheapest_links(pairs, in_haste=True)
        odds = link_odds(pairs, linked)
        is_chance = is_chance or are_guesses(linked, certainty(odds))
        return Explanation(expected, linked, [], odds, False, None, None, is_chance)

    def _splits(
        self,
        expected: Expected,
        pairs: Pairs,
        of: tuple[NDArray[np.float64], NDArray[np.float64]],
        is_settled: bool,
    ) -> list[Split]:
        """Return who divided."""
        if pairs.near is None:
            return []
        sizes = (self._cells["area"], self._found.areas)
        willing = willingness(self._cells, self._habits, is_settled)
        places, px, newcomers = self._found.places, self._found.px, self._newcomers
        scene = Scene(expected, willing, sizes, places, px, newcomers, *of, pairs.near)
        return find_splits(scene, self._habits.family)

    def _expect(self) -> Expected:
        """Return where each cell should be, going on as it went."""
        cells, habits = self._cells, self._habits
        ahead = 1 + self._gap
        return Expected(
            habits.motion.expect(cells, ahead)[:, : self._found.places.shape[1]],
            habits.motion.spread(cells, habits.gate.spread_px, ahead),
            habits.gate.reach_px * np.sqrt(cells["missed"] + float(ahead)),
            habits.rates.alone(cells["missed"], cells["sightings"], cells["is_sure"]),
        )

    def _pairs(self, expected: Expected, whose: NDArray[np.intp] | None = None) -> Pairs:
        """Return the possible links and what they cost; `whose` cells are expected, else all."""
        cells, found, habits = self._cells, self._found, self._habits
        signals = found.signals

        def look(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
            rows = rows if whose is None else whose[rows]
            if not self._use_area:
                return habits.signals.cost(cells["signal"][rows], signals[columns])
            sizes = habits.sizes.cost(cells["area_now"][rows], found.areas[columns])
            return sizes + habits.signals.cost(cells["signal"][rows], signals[columns])

        reach_px = float(habits.family.reach_px(expected.spread_px).max(initial=0.0))
        return possible_links(expected, found, self._newcomers, look, reach_px)

    def _link(self, expected: Expected) -> Linking:
        pairs = self._pairs(expected)
        return Linking(expected, pairs, cheapest_links(pairs))

    def _follow_crowd(self, now: Linking) -> Linking:
        """Expect each cell to go with its neighbours, where cells can be mistaken."""
        alone, gate = now.expected.places, self._habits.gate
        for _ in range(_DRIFT_PASSES if gate.is_crowded else 0):
            hit = np.flatnonzero(now.linked >= 0)
            links = np.column_stack((hit, now.linked[hit]))
            drift = common_drift(alone, self._found.places, links)
            if not _is_news(drift - (now.expected.places - alone), gate.spread_px):
                break
            there = self._link(replace(now.expected, places=alone + drift))
            now = replace(there, is_upheaval=now.is_upheaval, jump=now.jump)
        return now


def _is_news(drift: NDArray[np.float64], spread_px: float) -> bool:
    """Whether the crowd moves otherwise than was thought, and linking again is worth it."""
    far = np.median(np.hypot(drift[:, 0], drift[:, 1])) if len(drift) else 0.0
    return bool(far > _NEWS * spread_px)
