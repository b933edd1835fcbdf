"""What a camera saw of a light that was switched: when it came and went, and what leaks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEEN_SIGMA = 8.0  # a light is seen if it stands out by so much of the noise of one frame; proposed
FEWEST = 4  # frames in each state; fewer say nothing of their own noise; proposed


class Level(NamedTuple):
    """Brightness of the frames in one state: mean counts, standard error, and number of frames."""

    mean: float
    error: float
    n_frames: int


class Trace:
    """Mean counts of every frame of a camera that runs freely, and when each was in our hands.

    A frame shows the light since the one before, so a change is known to a fraction of a frame. It
    is late by the time that a frame needs to reach us: a delay is never shorter than measured here.

    Parameters
    ----------
    t_ns
        Arrival of each frame, host clock, rising.
    counts
        Mean of each frame.
    """

    def __init__(self, t_ns: Sequence[int], counts: Sequence[float]) -> None:
        self._t_ns: NDArray[np.int64] = np.asarray(t_ns, np.int64)
        self._counts: NDArray[np.float64] = np.asarray(counts, np.float64)

    @property
    def period_ms(self) -> float:
        """Time from frame to frame, ms; NaN with fewer than two."""
        steps = np.diff(self._t_ns)
        return float(np.median(steps)) * 1e-6 if len(steps) else math.nan

    def level(self, from_ns: int, to_ns: int) -> Level:
        """Return the brightness of the frames that arrived in a time; NaN if there are too few."""
        counts = self._counts[(self._t_ns > from_ns) & (self._t_ns <= to_ns)]
        if len(counts) < FEWEST:
            return Level(math.nan, math.inf, len(counts))
        error = float(counts.std(ddof=1)) / math.sqrt(len(counts))
        return Level(float(counts.mean()), error, len(counts))

    def came_ns(self, dark: Level, lit: Level, told_ns: int, lit_ns: int) -> float:
        """Return when the light came: it was told to at `told_ns`, and was full at `lit_ns`.

        The light between the two, in units of full light, is the time for which it was on.
        """
        last_ns, on_ns = self._on_ns(dark, lit, told_ns, lit_ns)
        return last_ns - on_ns

    def went_ns(self, dark: Level, lit: Level, told_ns: int, dark_ns: int) -> float:
        """Return when the light went: it was told to at `told_ns`, and was gone at `dark_ns`."""
        first_ns = self._before(told_ns)
        _, on_ns = self._on_ns(dark, lit, told_ns, dark_ns)
        return first_ns + on_ns

    def _before(self, t_ns: int) -> float:
        """Return the arrival of the last frame that has nothing of what came after a time."""
        earlier = self._t_ns[self._t_ns <= t_ns]
        return float(earlier[-1]) if len(earlier) else math.nan

    def _on_ns(self, dark: Level, lit: Level, from_ns: int, to_ns: int) -> tuple[float, float]:
        """Return the last frame's arrival, and for how long the light was on until then."""
        first = int(np.searchsorted(self._t_ns, from_ns, "right"))
        last = int(np.searchsorted(self._t_ns, to_ns, "right"))
        span = lit.mean - dark.mean
        if not (0 < first < last and span > 0):
            return math.nan, math.nan
        steps = np.diff(self._t_ns[first - 1 : last]).astype(np.float64)
        shares = (self._counts[first:last] - dark.mean) / span
        return float(self._t_ns[last - 1]), float((steps * shares).sum())


def is_seen(dark: Level, lit: Level) -> bool:
    """Whether the camera can tell a light from the dark; False where a level is not known."""
    noise = math.hypot(dark.error * math.sqrt(dark.n_frames), lit.error)
    return lit.mean - dark.mean > SEEN_SIGMA * max(noise, 1e-9)


class Leak(NamedTuple):
    """Light that passes, as a share of that which was switched, and the least that would show.

    `share` is what was measured, and may be negative; `limit` is three standard errors of it.
    """

    share: float
    limit: float

    @property
    def is_seen(self) -> bool:
        """Whether there is any."""
        return self.share > self.limit


def leak(dark: Level, lit: Level, closed: Level) -> Leak:
    """Return what passes a closed switch (`closed`), of the light `lit`, over `dark`."""
    span = lit.mean - dark.mean
    if not span > 0:
        return Leak(math.nan, math.inf)
    error = math.hypot(closed.error, dark.error) / span
    return Leak((closed.mean - dark.mean) / span, 3.0 * error)
