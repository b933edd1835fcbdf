"""What a run came to, in numbers that a person reads at its end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from realtime.policy.decision import Decision
    from realtime.wire import Result

_SIZES = 500  # shots that the size of a cell is told from
STEPS = ("restore", "detect", "track", "judge", "decide")


class Summary(msgspec.Struct, frozen=True):
    """The end of a run.

    Attributes
    ----------
    dose, reference_dose
        Dose given by light line, summed over fields, and what the same shots would have taken at
        the config's reference exposure and power; `dose_unit` is "J/cm2" or "relative".
    latency_ms
        Step name to (p50, p99), ms. "host to devices" runs from a shot's last frame in the host's
        hands to the last device set for the next.
    samples_ms
        The durations behind `latency_ms`, where the task measures usage.
    cells, confirmed
        Cells that were followed at the end, and those seen often enough to be believed; in all
        fields together, each as its last shot saw it.
    what_if_dose
        A replay with another policy: by light, the dose that was given and the one that it asked
        for in its place, open loop.
    late
        Shots for which no decision came in time.
    cell_px
        Diameter of the usual cell, as it was seen, px; 0: no cell.
    """

    frames: int
    shots: int
    gaps: int
    late: int
    dose: dict[str, float]
    reference_dose: dict[str, float]
    dose_unit: str
    latency_ms: dict[str, tuple[float, float]]
    status: str
    reason: str
    is_dark: bool
    divisions: int = 0
    cells: int = 0
    origin: str = ""
    out: str = ""
    samples_ms: dict[str, list[float]] = {}
    confirmed: int = 0
    what_if_dose: dict[str, tuple[float, float]] = {}
    cell_px: float = 0.0


class Tally:
    """Collects a run's numbers, shot by shot, in bounded memory."""

    def __init__(self, keep: int = 20_000) -> None:
        self._keep = keep
        self._samples: dict[str, list[float]] = {}
        self.late = 0
        self.shots = 0
        self.divisions = 0
        self._cells: dict[int, tuple[int, int]] = {}  # by field: followed, confirmed
        self._areas_px: deque[float] = deque(maxlen=_SIZES)

    def add_latency(self, name: str, ns: int) -> None:
        """Note one duration; beyond the newest `keep` the oldest go."""
        samples = self._samples.setdefault(name, [])
        samples.append(ns * 1e-6)
        if len(samples) >= 2 * self._keep:
            del samples[: self._keep]

    def add_answer(self, result: Result, decision: Decision) -> None:
        """Note what the worker said of a shot."""
        del decision
        final = [e.parent_id for e in result.events if e.kind == "division" and e.is_final]
        self.divisions += len(set(final))  # each daughter has an event of her own
        seen = result.observation
        self._cells[seen.position] = (seen.n_tracks, seen.n_confirmed)
        if result.tracks.area_px:
            self._areas_px.append(float(np.median(result.tracks.area_px)))
        for step in STEPS:
            if ns := getattr(result.times, f"{step}_ns"):
                self.add_latency(step, ns)
        self.add_latency("worker in all", result.times.total_ns)

    @property
    def cells(self) -> int:
        """Cells that are followed, in all fields together."""
        return sum(followed for followed, _ in self._cells.values())

    @property
    def confirmed(self) -> int:
        """Those of them that were seen often enough to be believed."""
        return sum(confirmed for _, confirmed in self._cells.values())

    @property
    def cell_px(self) -> float:
        """Diameter of the usual cell in the newest shots, px; 0: no cell was seen."""
        return 2 * float(np.sqrt(np.median(self._areas_px) / np.pi)) if self._areas_px else 0.0

    def samples(self) -> dict[str, list[float]]:
        """Return every duration that was kept, ms."""
        return self._samples

    def latencies(self) -> dict[str, tuple[float, float]]:
        """Return p50 and p99 of every step, ms."""
        return {
            name: (float(np.percentile(s, 50)), float(np.percentile(s, 99)))
            for name, s in self._samples.items()
            if s
        }
