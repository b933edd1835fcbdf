"""How one camera looks at the common light: its chip, how it is read, and what reaches it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from acquire.simulated.optics.optics import Window
from acquire.simulated.sensor.readout import Readout
from acquire.simulated.sensor.sensor import Sensor
from acquire.simulated.specimen.draws import Process, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

Counts: TypeAlias = "NDArray[np.uint16] | NDArray[np.uint8]"

DROP_KEY = 0x6C6F7374  # stream of lost frames, apart from every cell's
MEMORY_BYTES = 64 * 2**20  # of the frames that a camera keeps until somebody fetches them


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an exposure really used, in the words of the light box.

    Attributes
    ----------
    exposed_s
        Of each pixel, s.
    fluence_j_cm2
        Dose of all lines together at the centre of the field.
    powers
        Mean power of each line while the light was on, as a fraction of its maximum.
    """

    t_s: float
    exposed_s: float
    fluence_j_cm2: float
    powers: dict[str, float]
    is_lost: bool


class Eye:
    """One camera's view.

    Parameters
    ----------
    number
        0 is the camera that triggers the light; others may be triggered by it.

    Attributes
    ----------
    window, binning, bits, readout
        Part of the chip that is read, pixels added along each axis, bits of the converter, timing.
    lines
        Lines of light whose dye its emission filter passes; None: all.
    hangs, drop_fraction
        An exposure never ends; share of the frames that are exposed and lost.
    is_armed
        It takes a frame whenever another camera exposes, and keeps it in its memory.
    missed
        Frames that found the memory full.
    """

    def __init__(self, config: SimulatedScopeConfig, number: int = 0) -> None:
        self.number = number
        self.whole = self.window = Window(0, 0, config.width, config.height)
        self.binning, self.bits = 1, int(config.bit_depth)
        self.readout = Readout.of(config)
        self.lines: frozenset[str] | None = None
        self.hangs = self.is_armed = False
        self.drop_fraction = 0.0
        self.missed = 0
        self._seed = config.seed
        self._sensor = Sensor(config, number)
        self._memory: deque[tuple[Counts, Exposure]] = deque()
        self._arrived = Condition()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self.window.height // self.binning, self.window.width // self.binning

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """Type of a pixel."""
        return np.uint8 if self.bits == 8 else np.uint16

    def blank(self) -> Counts:
        """Return room for a frame."""
        if self.bits == 8:
            return np.empty(self.shape, np.uint8)
        return np.empty(self.shape, np.uint16)

    def passes(self, line: str) -> bool:
        """Whether light of the dye that a line excites reaches the chip."""
        return self.lines is None or line in self.lines

    def read(
        self, mean_e: NDArray[np.float32], frame: int, out: Counts, window: Window, exposed_s: float
    ) -> bool:
        """Fill `out` with the counts of a frame; return whether it is lost on the way."""
        self._sensor.read_out(
            mean_e,
            frame,
            out,
            window=window,
            binning=self.binning,
            bits=self.bits,
            exposed_s=exposed_s,
        )
        if self.drop_fraction <= 0.0:
            return False
        key = np.array([self._seed ^ (DROP_KEY << 32) ^ (self.number << 24)], np.uint64)
        return bool(uniforms(key, Process.FATE, frame)[0, 0] < self.drop_fraction)

    def arm(self, is_armed: bool) -> None:
        """Take a frame whenever another camera exposes, or no longer; the memory is emptied."""
        with self._arrived:
            self.is_armed = is_armed
            self.missed = 0
            self._memory.clear()

    def keep(self, frame: Counts, exposure: Exposure) -> None:
        """Keep a frame until somebody fetches it."""
        with self._arrived:
            if (len(self._memory) + 1) * frame.nbytes > MEMORY_BYTES:
                self.missed += 1
                return
            self._memory.append((frame, exposure))
            self._arrived.notify_all()

    def fetch(self, timeout_s: float) -> tuple[Counts, Exposure] | None:
        """Return the oldest frame in memory; None if none came in time."""
        with self._arrived:
            if not self._memory and not self._arrived.wait(timeout_s):
                return None
            return self._memory.popleft() if self._memory else None
