"""Follows the cells of one field, shot by shot, in bounded memory and time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, Field

from realtime.tracker.assign import Pairs, cheapest_links, prices
from realtime.tracker.cells import NEVER, Cells, Found, new_cells, no_cells
from realtime.tracker.certainty import certainty, link_odds
from realtime.tracker.divisions import Scene, Split, find_splits
from realtime.tracker.drift import common_drift, common_jump
from realtime.tracker.family import Family
from realtime.tracker.gate import Gate
from realtime.tracker.likeness import Likeness
from realtime.tracker.links import Expected, possible_links
from realtime.tracker.motion import Motion
from realtime.tracker.pending import Pending
from realtime.tracker.rates import Rates
from realtime.wire import TrackEvent, Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detections import Detections

_AREA_FRESH = 0.3
"""Weight of the newest detection in a cell's area and brightness (measured: track bench)."""
_PLANE = 2
"""Axes of a plane."""
_DRIFT_PASSES = 2
"""Rounds of "link, see how the crowd moves, link again" where cells are crowded (measured)."""
_LOST = 0.1
"""Share of the cells that must be missing before a jump of the whole field is looked for
(proposed)."""
_SHARP = 2.0
"""How well cells agree on a jump, in spreads of a cell (proposed)."""
_NEWS = 0.45
"""Smallest new motion of the crowd, over the spread of a cell, that is followed: sixteen neighbours
without common motion seem to move by 0.4 (tuned)."""
_TOO_SOON_SHOTS = 4
"""A cell that divided so few shots ago hardly divides again (proposed)."""
_TOO_SOON = 0.02
"""What then remains of its probability (proposed)."""


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
    has_jumped
        Whether the whole field jumped before the last shot: a bumped stage is no motion.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._cells: Cells = no_cells()
        self._motion, self._gate = Motion(), Gate(config.max_step_px)
        self._rates = Rates()
        self._sizes, self._signals = Likeness(), Likeness()
        self._family = Family(
            self._sizes, use_area=config.use_area, reach_px=config.division_reach_px
        )
        self._pending: list[Pending] = []
        self._axes, self._fading = _PLANE, 0.0
        self._next_id, self._shots = 0, -1
        self._events: list[TrackEvent] = []
        self.has_jumped = False
        self.labels: NDArray[np.int64] = np.empty(0, np.int64)
        _warm_up()

    def update(self, detections: Detections) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        """Take in what was detected in the next shot; return the cells and what happened to them.

        A cell that was missed stays in the answer, where it is expected, with `missed` > 0.
        """
        self._events = []
        self._shots += 1
        found = Found.of(detections)
        self._axes = found.places.shape[1]
        self._look(found)
        linked, splits = self._explain(found)
        before = self._cells.copy()
        self._take(linked, found)
        self._count_hits()
        self._split(splits, before, found)
        taken = np.concatenate((linked, [d for s in splits for d in (s.kept, s.new)]))
        self._bear(np.setdiff1d(np.arange(len(found)), taken), found)
        self._judge_divisions()
        self._judge_births()
        self._judge_ends()
        self._label(len(found))
        return self._tracks(), tuple(self._events)

    def _look(self, found: Found) -> None:
        """Learn what can be seen without knowing who is who."""
        self._gate.look(found)
        self._rates.look(found.places)
        self._sizes.look(found.areas)
        self._signals.look(found.signals)
        self._family.radius_px = self._gate.radius_px or self._gate.apart_px / 3

    def _explain(self, found: Found) -> tuple[NDArray[np.intp], list[Split]]:
        """Return the detection of each cell, -1 for none, and who divided."""
        cells, axes = self._cells, found.places.shape[1]
        newcomers = self._rates.log_newcomers(found.places, self._gate.reach_px)
        alone = self._motion.expect(cells, 1)[:, :axes]
        expected = Expected(
            alone,
            self._motion.spread(cells, self._gate.spread_px, 1),
            self._gate.reach_px * np.sqrt(cells["missed"] + 1.0),
            self._rates.alone(cells["missed"], cells["sightings"], cells["is_sure"]),
        )
        pairs = self._pairs(expected, found, newcomers)
        linked = cheapest_links(pairs)
        jump = self._jump(alone, found, linked)
        if jump is not None:
            alone = alone + jump
            expected = replace(expected, places=alone)
            pairs = self._pairs(expected, found, newcomers)
            linked = cheapest_links(pairs)
            cells["place"][:, :axes] += jump  # the stage moved, not the cells
        for _ in range(_DRIFT_PASSES if self._gate.is_crowded else 0):
            hit = np.flatnonzero(linked >= 0)
            drift = common_drift(alone, found.places, np.column_stack((hit, linked[hit])))
            if not self._is_news(drift - (expected.places - alone)):
                break
            expected = replace(expected, places=alone + drift)
            pairs = self._pairs(expected, found, newcomers)
            linked = cheapest_links(pairs)
        of_cells, of_detections = prices(pairs, linked)
        scene = Scene(
            expected,
            self._willing(),
            (cells["area"], found.areas),
            found.places,
            newcomers,
            of_cells,
            of_detections,
        )
        splits = find_splits(scene, self._family)
        if splits:
            pairs = _without(pairs, splits)
            robbed = np.isin(linked, [d for s in splits for d in (s.kept, s.new)])
            linked = np.where(robbed, -1, linked)
            mothers = [s.mother for s in splits]
            linked[mothers], robbed[mothers] = -1, False
            if robbed.any():
                linked = cheapest_links(pairs)
        self._weigh(pairs, linked)
        self._learn_misses(expected, found, linked)
        return linked, splits

    def _jump(
        self, expected: NDArray[np.float64], found: Found, linked: NDArray[np.intp]
    ) -> NDArray[np.float64] | None:
        """Return how far the whole field jumped, where many cells are not where they should be."""
        here = self._cells["missed"] == 0
        n_lost = int(np.count_nonzero((linked < 0) & here))
        self.has_jumped = False
        if n_lost < _LOST * max(int(np.count_nonzero(here)), 1):
            return None
        sharp_px = _SHARP * self._gate.spread_px
        jump = common_jump(expected[here], found.places, sharp_px, self._gate.apart_px)
        self.has_jumped = jump is not None
        return jump

    def _is_news(self, drift: NDArray[np.float64]) -> bool:
        """Whether the crowd moves otherwise than was thought, and linking again is worth it."""
        far = np.median(np.hypot(drift[:, 0], drift[:, 1])) if len(drift) else 0.0
        return bool(far > _NEWS * self._gate.spread_px)

    def _pairs(self, expected: Expected, found: Found, newcomers: NDArray[np.float64]) -> Pairs:
        cells, signals = self._cells, found.signals

        def look(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
            if not self._config.use_area:
                return self._signals.cost(cells["signal"][rows], signals[columns])
            sizes = self._sizes.cost(cells["area_now"][rows], found.areas[columns])
            return sizes + self._signals.cost(cells["signal"][rows], signals[columns])

        return possible_links(expected, found.places, newcomers, look)

    def _willing(self) -> NDArray[np.float64]:
        """Return the log probability of each cell to divide now."""
        cells, rates = self._cells, self._rates
        share = np.full(len(cells), rates.divided)
        share = np.where(cells["since_division"] < _TOO_SOON_SHOTS, _TOO_SOON * share, share)
        is_doubtful = ~cells["is_sure"] & (cells["sightings"] < 2) & (self._shots > 1)
        share = np.where(is_doubtful, share * (1 - rates.false) / 4, share)
        return np.asarray(np.log(share))

    def _weigh(self, pairs: Pairs, linked: NDArray[np.intp]) -> None:
        """Note how sure each link is."""
        odds = link_odds(pairs, linked)
        self._cells["margin"], self._cells["certainty"] = odds, certainty(odds)

    def _learn_misses(self, expected: Expected, found: Found, linked: NDArray[np.intp]) -> None:
        """Learn from the links how far cells are found from where they were expected."""
        cells = self._cells
        hit = np.flatnonzero((linked >= 0) & (cells["missed"] == 0))
        off = found.places[linked[hit]] - expected.places[hit]
        squared = np.einsum("ij,ij->i", off, off)
        usual = max(self._gate.spread_px, 1e-6) ** 2 * off.shape[1]
        seen = cells[hit]
        self._motion.learn_unrest(seen, squared / usual)
        cells["unrest"][hit] = seen["unrest"]
        self._gate.learn(np.sqrt(squared))
        self._rates.count_missed(
            int(((linked < 0) & (cells["missed"] == 0) & cells["is_sure"]).sum()),
            int(((cells["missed"] == 0) & cells["is_sure"]).sum()),
        )

    def _take(self, linked: NDArray[np.intp], found: Found) -> None:
        """Write what was found into the cells; what was not found is missed."""
        cells = self._cells
        was_missed = cells["missed"].copy()
        hit = np.flatnonzero(linked >= 0)
        which, seen = linked[hit], cells[hit]
        places = np.zeros_like(seen["place"])
        places[:, : found.places.shape[1]] = found.places[which]
        self._motion.learn(seen, places)
        self._sizes.learn(seen["area_now"], found.areas[which])
        self._signals.learn(seen["signal"], found.signals[which])
        self._learn_brightness(seen, found.signals[which])
        seen["area"] += _AREA_FRESH * (found.areas[which] - seen["area"])
        seen["signal"] += _AREA_FRESH * (found.signals[which] - seen["signal"])
        seen["area_now"], seen["photons"] = found.areas[which], found.photons[which]
        seen["sightings"] += 1
        cells[hit] = seen
        cells["age"] += 1
        cells["since_division"] = np.minimum(cells["since_division"] + 1, NEVER)
        cells["detection"] = linked
        cells["missed"] = np.where(linked >= 0, 0, was_missed + 1)
        back = (linked >= 0) & (was_missed > 0) & cells["is_sure"]
        self._tell("withdrawn", cells["id"][back].tolist(), is_final=True)

    def _learn_brightness(self, seen: Cells, signals: NDArray[np.float64]) -> None:
        """Learn how each cell's brightness changes, and how that of all does."""
        good = (seen["signal"] > 0) & (signals > 0)
        if not good.any():
            return
        # The running mean lags behind by (1 - a) / a shots, so the last value over it says more.
        change = np.zeros(len(seen))
        shots = seen["missed"][good] + 1 / _AREA_FRESH - 1
        change[good] = np.log(signals[good] / seen["signal"][good]) / shots
        seen["trend"] += _AREA_FRESH * (change - seen["trend"])
        old = good & (seen["sightings"] > 1 / _AREA_FRESH)
        if old.any():
            self._fading += _AREA_FRESH * (float(np.median(change[old])) - self._fading)

    def _count_hits(self) -> None:
        """Note which daughters of provisional divisions were seen again."""
        seen = set(self._cells["id"][self._cells["missed"] == 0].tolist()) if self._pending else ()
        for pending in self._pending:
            pending.shots += 1
            pending.hits_mother += pending.mother_id in seen
            pending.hits_daughter += pending.daughter_id in seen

    def _split(self, splits: list[Split], before: Cells, found: Found) -> None:
        """Open provisional divisions."""
        daughters = []
        for split in splits:
            was = before[split.mother]
            mother = self._cells[split.mother : split.mother + 1]
            mother_id = int(was["id"])
            if was["missed"] > 0 and was["is_sure"]:
                self._tell("withdrawn", [mother_id], is_final=True)  # her end
            kept = new_cells(np.array([mother_id]), np.array([split.kept]), found)
            daughter = new_cells(self._new_ids(1), np.array([split.new]), found)
            for name in ("place", "detection", "area", "area_now", "photons", "signal"):
                mother[name] = kept[name]
            mother["velocity"] = mother["missed"] = mother["since_division"] = 0
            mother["sightings"] = 1
            daughter["parent"], daughter["since_division"] = mother_id, 0
            odds = np.array([split.odds])
            for cell in (mother, daughter):
                cell["margin"], cell["certainty"] = odds, certainty(odds)
            daughters.append(daughter)
            daughter_id = int(daughter["id"][0])
            apart_px = float(np.linalg.norm(found.places[split.kept] - found.places[split.new]))
            one, other = (float(found.areas[d]) for d in (split.kept, split.new))
            self._pending.append(
                Pending(
                    mother_id,
                    daughter_id,
                    int(was["sightings"]),
                    int(was["since_division"]),
                    apart_px,
                    (float(was["area"]), one, other),
                )
            )
            self._tell("division", [daughter_id], mother_id)
        self._cells = np.concatenate((self._cells, *daughters))

    def _bear(self, which: NDArray[np.intp], found: Found) -> None:
        """Start a track for every detection that nobody explains."""
        born = new_cells(self._new_ids(len(which)), which, found)
        self._cells = np.concatenate((self._cells, born))
        self._tell("birth", born["id"].tolist())

    def _judge_divisions(self) -> None:
        """Make provisional divisions final, or take them back, when their time is over."""
        due = [p for p in self._pending if p.shots >= self._config.verdict_shots]
        self._pending = [p for p in self._pending if p.shots < self._config.verdict_shots]
        n_final = 0
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
                self._family.learn(pending.apart_px, *pending.areas)
                n_final += 1
                continue
            self._tell("withdrawn", [pending.daughter_id], pending.mother_id, is_final=True)
            self._cells["parent"][daughter] = -1
            self._cells["sightings"][mother] += pending.sightings
            self._cells["since_division"][mother] = pending.since_division
            if len(mother) and len(daughter) and pending.hits_daughter > pending.hits_mother:
                self._go_on_as(mother, daughter)
        self._rates.count_divisions(n_final, len(self._cells))

    def _go_on_as(self, mother: NDArray[np.intp], other: NDArray[np.intp]) -> None:
        """Let a cell go on in the row that was seen again; its own row was the false one."""
        cells = self._cells
        if cells["missed"][mother] > 0:
            self._tell("withdrawn", cells["id"][mother].tolist(), is_final=True)  # her end
        for name in ("id", "parent", "age", "sightings", "since_division", "is_sure"):
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
        self._rates.count_verdicts(int(n_good), int(n_bad))
        false = cells["place"][bad & later & (cells["parent"] < 0)]
        true = cells["place"][good & later & (cells["parent"] < 0)]
        axes = self._axes
        self._rates.count_new(len(cells), false[:, :axes], true[:, :axes], self._gate.reach_px)
        cells["is_sure"][good] = True
        self._cells = cells[~bad]

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
        course = self._motion.course(cells)
        spread = self._motion.spread(cells, self._gate.spread_px, 1)
        has_z = self._axes > _PLANE
        seen = cells["detection"] >= 0
        was_linked = seen & (cells["age"] > 0)
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
            course_y_px=tuple(course[:, 0].tolist()),
            course_x_px=tuple(course[:, 1].tolist()),
            spread_px=tuple(spread.tolist()),
            certainty=tuple(cells["certainty"].tolist()),
            margin=tuple(cells["margin"].tolist()),
            trend=tuple((cells["trend"] - self._fading).tolist()),
            since_division=tuple(
                np.where(cells["since_division"] < NEVER, cells["since_division"], -1).tolist()
            ),
            z_px=tuple(places[:, 2].tolist()) if has_z else (),
            course_z_px=tuple(course[:, 2].tolist()) if has_z else (),
            n_wrong_links=float((1.0 - cells["certainty"][was_linked]).sum()),
            fading=self._fading,
        )


def _without(pairs: Pairs, splits: list[Split]) -> Pairs:
    """Return the possible links of all others than mothers and daughters."""
    n, m = len(pairs.alone), pairs.n_columns
    is_mother, is_daughter = np.zeros(n, np.bool_), np.zeros(m, np.bool_)
    for split in splits:
        is_mother[split.mother] = is_daughter[[split.kept, split.new]] = True
    left = ~is_mother[pairs.rows] & ~is_daughter[pairs.columns]
    return replace(pairs, rows=pairs.rows[left], columns=pairs.columns[left], cost=pairs.cost[left])


def _warm_up() -> None:
    """Link two dummy cells: scipy's first call loads code, and must not cost the first shot."""
    two = np.array([[0.0, 0.0], [9.0, 9.0]])
    ones = np.ones(2)
    expected = Expected(two, ones, 3 * ones, 0.1 * ones)
    cheapest_links(possible_links(expected, two, -9 * ones, lambda rows, _: np.zeros(len(rows))))
