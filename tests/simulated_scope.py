"""The simulated microscope behind a real core, as the tests drive it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymmcore_plus.experimental.unicore import UniMMCore

from acquire.simulated import LASER, LocalLightBox, SimulatedScopeConfig, load_simulated_scope
from acquire.simulated.bench import Bench
from acquire.simulated.config import LineConfig

CONFIG = SimulatedScopeConfig(height=96, width=128, n_cells=4, field_scale=1.0)
RED = "Laser561"
TWO_LINES = CONFIG.model_copy(
    update={"extra_lines": (LineConfig(name=RED, wavelength_nm=561.0, structure="cell"),)}
)
PATIENCE_S = 10.0


class Scope:
    """A core with the simulated devices, and the truth behind them."""

    def __init__(self, config: SimulatedScopeConfig = CONFIG) -> None:
        self.config = config
        self.t_s = 0.0
        self.box = LocalLightBox(config.lines())
        self.core: Any = UniMMCore()
        self.bench: Bench = load_simulated_scope(self.core, config, self.box, lambda: self.t_s)

    def shine(self, exposure_ms: float, percent: float) -> None:
        self.core.setExposure(exposure_ms)
        self.core.setProperty(LASER, "Power", str(percent))
        self.core.setShutterOpen(True)

    def take(self, n: int = 1) -> list[tuple[NDArray[np.uint16], dict[str, str]]]:
        """Run a sequence of n exposures to its end and return its frames."""
        self.core.startSequenceAcquisition(n, 0, True)
        self.until(lambda: not self.core.isSequenceRunning())
        frames = []
        while self.core.getRemainingImageCount():
            image, tags = self.core.popNextImageAndMD()
            frames.append((image, dict(tags)))
        return frames

    def dose(self, line: str = LASER) -> float:
        """Return what the meter says, J/cm2."""
        return self.box.box.meter()[line].dose_j_cm2

    def until(self, done: Any) -> None:
        deadline = time.perf_counter() + PATIENCE_S
        while not done():
            assert time.perf_counter() < deadline, "the microscope did not get there in time"

    def close(self) -> None:
        self.core.stopSequenceAcquisition()
        self.core.unloadAllDevices()
