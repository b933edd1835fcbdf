"""How fast a replay goes: when the next frame is due, by the host's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Pace: TypeAlias = Literal["max", "step"] | float

NAP_S = 0.05  # a paced replay hears its worker and its stop as often


class Pacer:
    """Lets each frame wait for its time.

    Parameters
    ----------
    pace
        So many times faster than recorded; a word means that no frame waits for a clock.
    wait
        Sleeps for so many seconds; True ends the replay.
    clock_ns
        The host's clock.

    Attributes
    ----------
    pace
        The same.
    """

    def __init__(
        self, pace: Pace, wait: Callable[[float], bool], clock_ns: Callable[[], int]
    ) -> None:
        self.pace = pace
        self._wait = wait
        self._clock_ns = clock_ns
        self._offset_ns: int | None = None

    def wait_for(self, t_ns: int, meanwhile: Callable[[], object]) -> bool:
        """Wait until a frame is due; return False if the replay is to stop.

        Parameters
        ----------
        t_ns
            When it was recorded. The first frame is due at once.
        meanwhile
            Called after each nap.
        """
        if isinstance(self.pace, str):
            return True
        due_ns = int(t_ns / self.pace)
        if self._offset_ns is None:
            self._offset_ns = self._clock_ns() - due_ns
        while (left_ns := due_ns + self._offset_ns - self._clock_ns()) > 0:
            if self._wait(min(left_ns * 1e-9, NAP_S)):
                return False
            meanwhile()
        return True
