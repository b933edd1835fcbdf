"""Each number of a stream once: as a frame, or in a gap, whatever order messages come in."""

from __future__ import annotations

import logging

from realtime.wire import Gap

logger = logging.getLogger(__name__)

NEVER_CAME = "never reached the recorder"


class Order:
    """Which numbers are accounted for, and what a number that comes out of turn is.

    Parameters
    ----------
    last_seq
        Last number that is accounted for already; -1: none.

    Attributes
    ----------
    last_seq
        Last number that was handed in, as a frame or in a gap.
    """

    def __init__(self, last_seq: int) -> None:
        self.last_seq = last_seq
        self._holes: list[Gap] = []

    def is_new(self, seq: int) -> bool:
        """Whether a frame has its turn, or stands behind a hole."""
        return seq > self.last_seq

    def is_lost(self, seq: int) -> bool:
        """Whether a number was declared lost here before its frame came."""
        return any(hole.seq_from <= seq <= hole.seq_to for hole in self._holes)

    def hole_before(self, seq: int) -> Gap | None:
        """Account for the numbers that `seq` passes over; return the gap that says so."""
        if seq <= self.last_seq + 1:
            return None
        hole = Gap(self.last_seq + 1, seq - 1, NEVER_CAME)
        self._holes.append(hole)
        self.last_seq = hole.seq_to
        return hole

    def rest_of(self, gap: Gap) -> Gap | None:
        """Account for a gap; return what of it is new: it may come late, or twice."""
        if gap.seq_to <= self.last_seq:
            logger.info("the gap from %d to %d is already recorded", gap.seq_from, gap.seq_to)
            return None
        first, self.last_seq = max(gap.seq_from, self.last_seq + 1), gap.seq_to
        return gap if first == gap.seq_from else Gap(first, gap.seq_to, gap.reason)
