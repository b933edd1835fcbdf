"""How often to draw: thirty times a second, less often where drawing is slow. No Qt here."""

from __future__ import annotations

from collections import deque

FASTEST_MS, SLOWEST_MS = 33, 200
SHARE = 0.6  # of the time that drawing may take; the rest is for the person's clicks


class Pacer:
    """Measures ticks, and says how long to wait between them."""

    def __init__(self) -> None:
        self.interval_ms = FASTEST_MS
        self.cost_ms = 0.0
        self._frames_ns: deque[int] = deque(maxlen=64)

    @property
    def fps(self) -> float:
        """Frames drawn a second."""
        if len(self._frames_ns) < 2:
            return 0.0
        span_ns = self._frames_ns[-1] - self._frames_ns[0]
        return (len(self._frames_ns) - 1) / span_ns * 1e9 if span_ns else 0.0

    def count_frame(self, now_ns: int) -> None:
        """Count a frame that was drawn."""
        self._frames_ns.append(now_ns)

    def note(self, cost_ms: float) -> bool:
        """Take what a tick cost; return whether the interval has changed by much."""
        self.cost_ms += 0.1 * (cost_ms - self.cost_ms)
        wanted = int(min(max(self.cost_ms / SHARE, FASTEST_MS), SLOWEST_MS))
        if abs(wanted - self.interval_ms) <= 0.25 * self.interval_ms and wanted != FASTEST_MS:
            return False
        changed, self.interval_ms = wanted != self.interval_ms, wanted
        return changed
