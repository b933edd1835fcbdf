"""How long the camera usually takes: we sleep while it exposes and are awake when it is done.

A process that has slept for milliseconds wakes slowly: its caches are cold and its processor may be
in an idle state (0.25 ms for an answer instead of 0.01 ms, measured between two processes after
13 ms of sleep). So the loop sleeps through most of an exposure, and shortly before the frame is due
it looks often, and gives a *heads-up* to everybody who will have to do with the frame.
"""

from __future__ import annotations

from collections import deque

KEEP = 8  # frames that the habit is made of; proposed
SHARE = 0.9  # of the shortest time seen, that is slept through; proposed
EARLY_NS = 500_000  # and this much less: waking up takes time, too; proposed


class Habit:
    """The time from a start to its first frame, for the exposures of late."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=KEEP)

    def note(self, exposure_ms: float, took_ns: int) -> None:
        """Remember how long a first frame took, ns."""
        self._seen.append((exposure_ms, took_ns))

    def nap_s(self, exposure_ms: float) -> float:
        """Return for how long no first frame is to be expected, s.

        A shorter exposure than those that were seen is expected sooner in proportion, a longer one
        not later: what else takes time, in a camera, is not known.
        """
        if not self._seen:
            return 0.0
        expected_ns = [
            took if exposure_ms >= was else took * (exposure_ms / was) for was, took in self._seen
        ]
        return max(0.0, min(expected_ns) * SHARE - EARLY_NS) * 1e-9
