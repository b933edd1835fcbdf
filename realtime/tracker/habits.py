"""All that a tracker learns of its cells: how they move, look, come, go and divide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.family import Family
from realtime.tracker.gate import Gate
from realtime.tracker.heights import Heights
from realtime.tracker.likeness import Likeness
from realtime.tracker.middle import median
from realtime.tracker.motion import Motion
from realtime.tracker.rates import Rates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells, Found
    from realtime.tracker.config import TrackerConfig
    from realtime.tracker.links import Expected

AREA_FRESH = 0.3
"""Weight of the newest detection in a cell's area and brightness (measured: track bench)."""


class Habits:
    """What is usual in this field; everything in it is learnt while tracking.

    Attributes
    ----------
    motion, gate
        How cells move, and how far from where they are expected they are found.
    rates
        How often they are missed, appear and divide.
    sizes, signals
        How much cells differ from each other, and from themselves a shot ago.
    family
        What mothers and daughters look like.
    heights
        How much less surely heights are known than places in the plane.
    fading
        Change of the brightness of all cells in a shot, as a share.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self.motion, self.gate = Motion(), Gate(config.max_step_px)
        self.rates, self.heights = Rates(), Heights(config.z_spread)
        self.sizes, self.signals = Likeness(), Likeness()
        self.family = Family(
            self.sizes, use_area=config.use_area, reach_px=config.division_reach_px
        )
        self.fading = 0.0

    def settle_heights(self) -> float:
        """Put in force what was learnt of heights; return what divided ones are multiplied by."""
        factor = self.heights.settle()
        self.family.z_ratio = self.heights.ratio
        self.rates.rescale_heights(factor)
        return factor

    def look(self, found: Found) -> None:
        """Learn what can be seen without knowing who is who."""
        self.gate.look(found)
        self.rates.look(found.places)
        self.sizes.look(found.areas)
        self.signals.look(found.signals)
        self.family.radius_px = self.gate.radius_px or self.gate.apart_px / 3

    @property
    def jitter(self) -> float:
        """How much a cell's area changes from shot to shot, mean |log|; inf: areas say nothing."""
        return self.sizes.jitter if self.family.says_sizes else float("inf")

    def learn_misses(
        self, cells: Cells, expected: Expected, found: Found, linked: NDArray[np.intp]
    ) -> None:
        """Learn from the links how far cells are found from where they were expected."""
        hit = ((linked >= 0) & (cells["missed"] == 0)).nonzero()[0]
        off = found.places[linked[hit]] - expected.places[hit]
        self.heights.learn(off)
        squared = np.einsum("ij,ij->i", off, off)
        usual = max(self.gate.spread_px, 1e-6) ** 2 * off.shape[1]
        cells["unrest"][hit] = self.motion.unrest(cells["unrest"][hit], squared / usual)
        self.gate.learn(np.sqrt(squared))
        self.rates.count_missed(
            int(((linked < 0) & (cells["missed"] == 0) & cells["is_sure"]).sum()),
            int(((cells["missed"] == 0) & cells["is_sure"]).sum()),
        )

    def learn_looks(
        self, seen: Cells, areas: NDArray[np.float64], signals: NDArray[np.float64]
    ) -> None:
        """Learn how cells change; writes the newest areas and brightnesses into `seen`."""
        self.sizes.learn(seen["area_now"], areas)
        self.signals.learn(seen["signal"], signals)
        self._learn_brightness(seen, signals)
        seen["area"] += AREA_FRESH * (areas - seen["area"])
        seen["signal"] += AREA_FRESH * (signals - seen["signal"])
        seen["area_now"] = areas

    def _learn_brightness(self, seen: Cells, signals: NDArray[np.float64]) -> None:
        """Learn how each cell's brightness changes, and how that of all does."""
        good = (seen["signal"] > 0) & (signals > 0)
        if not good.any():
            return
        # The running mean lags behind by (1 - a) / a shots, so the last value over it says more.
        change = np.zeros(len(seen))
        shots = seen["missed"][good] + 1 / AREA_FRESH - 1
        change[good] = np.log(signals[good] / seen["signal"][good]) / shots
        seen["trend"] += AREA_FRESH * (change - seen["trend"])
        old = good & (seen["sightings"] > 1 / AREA_FRESH)
        if old.any():
            self.fading += AREA_FRESH * (median(change[old]) - self.fading)
