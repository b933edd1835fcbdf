"""What the plots and meters remember: bounded, and by field of view. No Qt here."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from acquire.settings import Applied
    from realtime.policy.observation import Observation

CAPACITY = 8192  # shots of each field; at 10 shots a second a quarter of an hour
REFERENCE_SHOTS = 10  # the signal of the first shots is the 100 % of the bleaching curve (proposed)
COLUMNS = ("t_s", "snr", "target", "exposure_ms", "power_percent", "signal_percent")


class Series:
    """The newest rows of a table of numbers; the oldest are overwritten."""

    def __init__(self, columns: Sequence[str], capacity: int = CAPACITY) -> None:
        self._columns = {name: i for i, name in enumerate(columns)}
        self._rows = np.full((capacity, len(columns)), np.nan)
        self._n = 0

    def __len__(self) -> int:
        return min(self._n, len(self._rows))

    def append(self, *row: float) -> None:
        """Add one row."""
        self._rows[self._n % len(self._rows)] = row
        self._n += 1

    def set_last(self, column: str, value: float) -> None:
        """Correct the newest row."""
        if self._n:
            self._rows[(self._n - 1) % len(self._rows), self._columns[column]] = value

    def last(self, column: str) -> float:
        """Return the newest value, NaN without one."""
        if not self._n:
            return math.nan
        return float(self._rows[(self._n - 1) % len(self._rows), self._columns[column]])

    def table(self) -> dict[str, NDArray[np.float64]]:
        """Return every column, oldest first, each (n,) float64."""
        rows = self._rows[: self._n]
        if self._n > len(self._rows):
            rows = np.roll(self._rows, -(self._n % len(self._rows)), axis=0)
        return {name: rows[:, i] for name, i in self._columns.items()}


class FieldHistory:
    """The course of one field of view: SNR, light and brightness, a row for each shot."""

    def __init__(self) -> None:
        self.series = Series(COLUMNS)
        self.dose_j_cm2: dict[str, float] = {}
        self._doses: deque[tuple[float, dict[str, float]]] = deque(maxlen=64)
        self._reference: list[float] = []

    def add(self, seen: Observation) -> None:
        """Take what was seen in a shot."""
        first = seen.applied[0] if seen.applied else None
        self.series.append(
            seen.t_s,
            seen.snr if seen.n_confirmed else math.nan,
            self.series.last("target"),
            _exposure_ms(first),
            100 * _power(first),
            self._signal_percent(seen),
        )
        if seen.dose_j_cm2:
            self.dose_j_cm2 = dict(seen.dose_j_cm2)
            self._doses.append((seen.t_s, self.dose_j_cm2))

    def seconds_left(self, light: str, budget_j_cm2: float) -> float:
        """Return the experiment time until a budget is used up at the present rate, s."""
        if len(self._doses) < 2:
            return math.inf
        (t0_s, then), (t1_s, now) = self._doses[0], self._doses[-1]
        given = now.get(light, 0.0) - then.get(light, 0.0)
        if given <= 0.0 or t1_s <= t0_s:
            return math.inf
        return max(budget_j_cm2 - now.get(light, 0.0), 0.0) * (t1_s - t0_s) / given

    def _signal_percent(self, seen: Observation) -> float:
        """Signal of the cells per light given, relative to the first shots."""
        dose = sum(a.dose_j_cm2 for a in seen.applied)
        if not (seen.n_confirmed and dose > 0.0 and seen.signal_e > 0.0):
            return math.nan
        brightness = seen.signal_e / dose
        if len(self._reference) < REFERENCE_SHOTS:
            self._reference.append(brightness)
        return 100.0 * brightness / float(np.median(self._reference))


class FrameRate:
    """The camera's rate from sequence numbers, so that frames we did not ask for count too."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_ns = int(window_s * 1e9)
        self._seen: deque[tuple[int, int]] = deque(maxlen=256)

    def add(self, seq: int, t_ns: int) -> None:
        """Take a frame's number and its time."""
        if self._seen and t_ns <= self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((seq, t_ns))
        while len(self._seen) > 2 and t_ns - self._seen[0][1] > self._window_ns:
            self._seen.popleft()

    @property
    def per_s(self) -> float:
        """Frames a second of the host's clock, NaN before the second frame."""
        if len(self._seen) < 2:
            return math.nan
        (seq0, t0_ns), (seq1, t1_ns) = self._seen[0], self._seen[-1]
        return (seq1 - seq0) / (t1_ns - t0_ns) * 1e9


def _exposure_ms(applied: Applied | None) -> float:
    """Exposure as read back, or as commanded where the camera reports none."""
    return math.nan if applied is None else applied.exposure_read_ms or applied.exposure_ms


def _power(applied: Applied | None) -> float:
    return math.nan if applied is None else applied.power_read_fraction
