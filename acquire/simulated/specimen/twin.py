"""The unlit twin: the same cells in the dark, to measure what light has done to the others.

Both specimens have the same seed, so every lineage exists in both until light ends it in one. What
is compared is a cohort: the founders that stood in the field of view at the start, and all their
descendants wherever they go. Without damage the two are equal, to the last bit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.specimen.events import Event, Fate
from acquire.simulated.specimen.specimen import Specimen

if TYPE_CHECKING:
    from acquire.simulated.config import SimulatedScopeConfig


@dataclass(frozen=True, slots=True)
class Tally:
    """What a cohort has done so far.

    Attributes
    ----------
    alive
        Cells of it that live now.
    cycle_h
        Mean time from a cell's birth to its division, over cells of which both were seen, hours;
        nan without any. Short runs see short cycles only: compare, do not quote.
    speed_um_h
        Way walked in interphase over its time, um/h; nan without any.
    """

    alive: int
    divisions: int
    failed_mitoses: int
    deaths: int
    cycle_h: float
    speed_um_h: float


@dataclass(frozen=True, slots=True)
class Bias:
    """What light has done to a cohort, against its unlit twin.

    Attributes
    ----------
    lost_divisions
        Divisions of the twin that the lit cells have not made, net, as a share of the twin's; nan
        while the twin has made none.
    cycle_delay_h
        How much later the same cells divided, mean over those that divided in both, hours; nan
        without any. Cells that were delayed beyond the end are not in it: a lower bound.
    speed_ratio
        Speed over the twin's.
    """

    lit: Tally
    unlit: Tally
    lost_divisions: float
    cycle_delay_h: float
    speed_ratio: float


class Twin:
    """The same specimen without light, and what differs.

    Parameters
    ----------
    config
        Of the specimen that is lit.

    Attributes
    ----------
    specimen
        The unlit one.
    founders
        Identities of the founders of the cohort.
    """

    def __init__(self, config: SimulatedScopeConfig) -> None:
        self.specimen = Specimen(config, lit=False)
        start = self.specimen.truth()
        half_y_um = 0.5 * config.height * config.pixel_um
        half_x_um = 0.5 * config.width * config.pixel_um
        seen = (np.abs(start.x_um) <= half_x_um) & (np.abs(start.y_um) <= half_y_um)
        self.founders = frozenset(start.ids[seen].tolist())

    def bias(self, lit: Specimen) -> Bias:
        """Bring the twin to the time of the lit specimen and compare the two."""
        self.specimen.advance_to(lit.t_s)
        mine, its = self._events(self.specimen), self._events(lit)
        unlit, seen = tally(self.specimen, self.founders), tally(lit, self.founders)
        delays_h = _delays_h(its, mine)
        return Bias(
            lit=seen,
            unlit=unlit,
            lost_divisions=_ratio(unlit.divisions - seen.divisions, unlit.divisions),
            cycle_delay_h=float(np.mean(delays_h)) if delays_h else float("nan"),
            speed_ratio=_ratio(seen.speed_um_h, unlit.speed_um_h),
        )

    def _events(self, specimen: Specimen) -> list[Event]:
        return [event for event in specimen.events if event.founder in self.founders]


def tally(specimen: Specimen, founders: frozenset[int]) -> Tally:
    """Count what the descendants of some founders have done so far."""
    events = [event for event in specimen.events if event.founder in founders]
    now = specimen.census()
    is_ours = np.isin(now.founders, np.fromiter(founders, np.int64, len(founders)))
    fates = Counter(event.fate for event in events)
    whole = [e.t_s - e.born_s for e in events if e.fate == Fate.DIVISION and e.parent >= 0]
    ended = [event for event in events if event.fate != Fate.FAILED_MITOSIS]
    path_um = sum(event.path_um for event in ended) + now.path_um[is_ours & now.alive].sum()
    walked_s = sum(event.walked_s for event in ended) + now.walked_s[is_ours & now.alive].sum()
    return Tally(
        alive=int((is_ours & now.alive).sum()),
        divisions=fates[Fate.DIVISION],
        failed_mitoses=fates[Fate.FAILED_MITOSIS],
        deaths=fates[Fate.DEATH],
        cycle_h=float(np.mean(whole)) / 3600.0 if whole else float("nan"),
        speed_um_h=_ratio(path_um * 3600.0, walked_s),
    )


def _delays_h(lit: list[Event], unlit: list[Event]) -> list[float]:
    """Return how much longer each cell took that divided in both, hours."""
    took = {e.key: e.t_s - e.born_s for e in unlit if e.fate == Fate.DIVISION}
    return [
        (e.t_s - e.born_s - took[e.key]) / 3600.0
        for e in lit
        if e.fate == Fate.DIVISION and e.key in took
    ]


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
