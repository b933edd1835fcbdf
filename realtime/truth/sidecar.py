"""Writes the truth of a live run beside it, and never makes the run wait.

The camera's thread hands in what it saw, the loop's thread says which frame came of it, and a
thread of its own does the work, in the pause after a decision: before it, every core is the
worker's. Where it falls behind, exposures go without their image and cells: the table says which.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from acquire.simulated.specimen.lineages import Lineages
from realtime.errors import RunFileError
from realtime.truth.layout import COMPLETE, PARTIAL
from realtime.truth.rows import exposure_of
from realtime.truth.writer import TruthWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from acquire.simulated.truth import Seen
    from realtime.truth.layout import About

logger = logging.getLogger(__name__)

ROOM_BYTES = 256 << 20  # of images that wait
FLUSH_EXPOSURES = 16  # with the next, bounds what a crash costs
IDLE_S = 1.0
HOLD_S = 0.25  # nobody holds the work up for longer than a slow decision takes; proposed
END_S = 30.0  # how long the last words may take
EARLY_S = 1e-6  # of rounding
SAME = 1e-3  # an exposure that was cut short is no frame's


@dataclasses.dataclass(frozen=True, slots=True)
class _Awaited:
    """An exposure that a frame may come of."""

    number: int
    t_s: float
    exposed_ms: float
    is_lost: bool


class Sidecar:
    """The truth of a live run.

    Parameters
    ----------
    path, about
        The truth file, and what it is the truth of.
    room_bytes
        Images that may wait to be written.

    Attributes
    ----------
    n_exposures, n_missed
        Exposures so far, and those among them that there was no time to write.
    failure
        Why nothing is written any more; empty while all is well.

    Raises
    ------
    RunFileError
        If the file cannot be made.
    """

    def __init__(self, path: Path, about: About, room_bytes: int = ROOM_BYTES) -> None:
        self.n_exposures = self.n_missed = 0
        self.failure = ""
        self._about = about
        self._lineages = Lineages(len(about.lines))
        self._writer = TruthWriter(path, about)
        self._room = max(1, room_bytes // (4 * about.height * about.width))
        self._n_waiting = 0
        self._awaited: deque[_Awaited] = deque()
        self._work: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._hold_until_s = 0.0
        self._is_over = False
        self._thread = threading.Thread(target=self._write, name="truth", daemon=True)
        self._thread.start()

    def witness(self, seen: Seen) -> None:
        """Take an exposure; called in the camera's thread."""
        dose = seen.dose_j_cm2(self._about.lines)
        with self._changed:
            self._hold_until_s = time.monotonic() + HOLD_S
            taken = self._lineages.look(seen.nuclei, seen.t_s, dose)
            number, self.n_exposures = self.n_exposures, self.n_exposures + 1
            self._awaited.append(_Awaited(number, seen.t_s, seen.exposed_s * 1e3, seen.is_lost))
            if self._n_waiting < self._room and not self.failure:
                self._n_waiting += 1
                # The bench may use its image again.
                kept = dataclasses.replace(seen, expected_e=seen.expected_e.copy())
                self._work.append(partial(self._exposure, number, kept, taken))
            else:
                self.n_missed += 1
                row = exposure_of(number, seen, self._about.lines)
                self._work.append(partial(self._writer.missed, row))
            self._changed.notify()

    def frame(self, info: FrameInfo) -> None:
        """Say that a frame was published; called in the loop's thread, frame after frame."""
        with self._changed:
            while self._awaited:
                exposure = self._awaited.popleft()
                if self._fits(exposure, info):
                    self._work.append(partial(self._writer.name, exposure.number, info))
                    break
                self._work.append(partial(self._writer.skip, exposure.number))
            self._changed.notify()

    def rest(self) -> None:
        """Say that a decision has come, and nobody needs the processor for now."""
        with self._changed:
            self._hold_until_s = 0.0
            self._changed.notify()

    def close(self, *, is_complete: bool) -> None:
        """Write what waits, and close the file. May be called twice."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join(END_S)
        if self._thread.is_alive():
            self.failure = self.failure or f"it was not written within {END_S:g} s"
            return
        try:
            if not self.failure:
                status = COMPLETE if is_complete and not self.n_missed else PARTIAL
                self._writer.close(self._lineages.rows(), status)
            self._writer.abandon()
        except RunFileError as error:
            self.failure = self.failure or str(error)

    @staticmethod
    def _fits(exposure: _Awaited, info: FrameInfo) -> bool:
        """Whether a frame came of an exposure: not lost, not before its time, not cut short.

        A frame that the loop threw away is not published; what is, began later.
        """
        meant_ms = info.applied.exposure_read_ms
        is_whole = abs(exposure.exposed_ms - meant_ms) <= SAME * meant_ms
        return is_whole and not exposure.is_lost and exposure.t_s >= info.t_s - EARLY_S

    def _write(self) -> None:
        """Do the work, in a thread of its own, until all is done."""
        while True:
            with self._changed:
                if not self._work and not self._is_over:
                    if not self._changed.wait(IDLE_S) and self._writer.pending:
                        self._work.append(self._flush)
                    continue
                if (left_s := self._held_s()) > 0.0:
                    self._changed.wait(left_s)
                    continue
                if not self._work:
                    return
                todo = self._work.popleft()
            if self.failure:
                continue
            try:
                todo()
                if self._writer.pending >= FLUSH_EXPOSURES:
                    self._flush()
            except RunFileError as error:
                logger.warning("%s; the run goes on without its truth", error)
                self.failure = str(error)
            except Exception as error:  # this thread may not die with the truth called complete
                logger.exception("the truth cannot be told; the run goes on without it")
                self.failure = f"the truth cannot be told: {type(error).__name__}: {error}"

    def _held_s(self) -> float:
        """Return for how long the work is to wait, s; not at all if half of the room is taken."""
        if self._is_over or 2 * self._n_waiting >= self._room:
            return 0.0
        return self._hold_until_s - time.monotonic()

    def _exposure(self, number: int, seen: Seen, taken: NDArray[np.float64]) -> None:
        self._writer.exposure(number, seen, taken)
        with self._changed:
            self._n_waiting -= 1

    def _flush(self) -> None:
        with self._changed:
            lineages = self._lineages.rows()
        self._writer.flush(lineages)
