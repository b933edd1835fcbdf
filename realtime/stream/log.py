"""The stream's log: every frame and document has a place in it, as bytes, until it is forgotten."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from realtime.wire import FrameMessage


class Item(NamedTuple):
    """One place in the log: a frame (`seq` >= 0) of a shot of `n_frames`, or a document."""

    packet: bytes
    seq: int
    shot: int
    position: int
    n_frames: int
    ends_shot: bool
    for_worker: bool


class StreamLog:
    """What was sent in one session and may still be asked for, in order; places are never reused.

    Attributes
    ----------
    base
        Place of the oldest item that is still known.
    head_seq, forgotten_seq
        Last frame that was added, and the last one that was forgotten; -1 for none.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self.base = 0
        self.head_seq = self.forgotten_seq = -1

    def __len__(self) -> int:
        return len(self._items)

    @property
    def end(self) -> int:
        """Place in the log that the next item gets."""
        return self.base + len(self._items)

    def add(self, packet: bytes, frame: FrameMessage | None, *, for_worker: bool) -> None:
        """Append a document, or a frame that lies in the ring."""
        if frame is None:
            self._items.append(Item(packet, -1, -1, -1, 0, False, for_worker))
            return
        info = frame.info
        number, position, n_frames = info.shot.number, info.shot.position, info.shot.n_frames
        self._items.append(Item(packet, info.seq, number, position, n_frames, info.ends_shot, True))
        self.head_seq = info.seq

    def forget(self, before: int, oldest_in_ring: int) -> None:
        """Forget what stands before a place and is no longer in the ring."""
        while self._items and self.base < before and self._items[0].seq < oldest_in_ring:
            item = self._items.popleft()  # a document has seq -1: it goes with the frame before it
            self.forgotten_seq = max(self.forgotten_seq, item.seq)
            self.base += 1

    def read(self, place: int) -> Iterator[Item]:
        """Yield the items from a place on."""
        start = max(place - self.base, 0)
        if start >= len(self._items):
            return iter(())
        if start == len(self._items) - 1:  # the usual case; a deque is slow in its middle
            return iter((self._items[-1],))
        return iter([self._items[i] for i in range(start, len(self._items))])

    def first_after(self, seq: int, start: int) -> int:
        """Return the first frame behind `seq`, looked for from a place on; else the next number."""
        for offset in range(max(start - self.base, 0), len(self._items)):
            if self._items[offset].seq > seq:
                return self._items[offset].seq
        return seq + 1

    def place_after(self, seq: int, start: int = 0) -> int:
        """Return the place behind the frame `seq`; what followed it counts even if it is gone."""
        place = max(start, self.base)
        for offset in range(place - self.base, len(self._items)):
            item = self._items[offset]
            if item.seq > seq:
                break
            if item.seq >= 0:
                place = self.base + offset + 1
            if item.seq == seq >= 0:
                break
        return place

    def start_of_last_shot(self) -> int:
        """Return the place of the first known frame of the newest shot."""
        place, shot = self.end, None
        for offset in range(len(self._items) - 1, -1, -1):
            item = self._items[offset]
            if item.seq < 0:
                continue
            if shot is not None and item.shot != shot:
                break
            shot, place = item.shot, self.base + offset
        return place
