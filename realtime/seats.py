"""Who gets what, when: the stream's log and its listeners, without a socket or a thread.

Every frame and document gets a place in one log. A seat is a pointer into it with a credit:

lossless
    every item in order; frames cost credit; nothing is forgotten before it is acknowledged, also
    while the listener is away.
shots
    frames in order, and what concerns them (gaps, the end). In event mode every frame; in stream
    mode only the frames of the newest complete shot of each field.
latest
    every document at once, and the newest frame whenever there is credit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from realtime.wire import Ack, FrameMessage, Gap, Hello

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICIES = ("lossless", "shots", "latest")
NOTHING = 1 << 62  # later than every sequence number
MOST_SEATS = 32  # windows of one run, and a recorder; proposed


class Item(NamedTuple):
    """One place in the log: a frame (`seq` >= 0) or a document, as bytes."""

    packet: bytes
    seq: int
    shot: int
    position: int
    ends_shot: bool
    for_worker: bool


@dataclass(slots=True)
class Seat:
    """One listener: what it was sent, what it has acknowledged, what it may still be sent."""

    identity: bytes
    name: str
    policy: str
    credit: int
    next: int
    acked_seq: int = -1
    kept_from: int = 0
    heard_ns: int = 0
    is_away: bool = False
    waiting: dict[int, list[Item]] = field(default_factory=dict)


class Seats:
    """The log and the seats of one session.

    Parameters
    ----------
    slots
        Frames that the ring holds.
    mode
        "event" or "stream": how seats of policy "shots" are served.
    """

    def __init__(self, slots: int, mode: str = "event") -> None:
        self._slots = slots
        self._mode = mode
        self._items: deque[Item] = deque()
        self._base = 0
        self.head_seq = self._forgotten_seq = -1
        self.is_over = False  # then a viewer gets the last frame, whether it asked or not
        self.seats: dict[bytes, Seat] = {}

    @property
    def end(self) -> int:
        """Place in the log that the next item gets."""
        return self._base + len(self._items)

    def add(self, packet: bytes, frame: FrameMessage | None = None, *, for_worker: bool) -> None:
        """Append a document, or a frame that lies in the ring."""
        if frame is None:
            self._items.append(Item(packet, -1, -1, -1, False, for_worker))
        else:
            info = frame.info
            self._items.append(
                Item(packet, info.seq, info.shot.number, info.shot.position, info.ends_shot, True)
            )
            self.head_seq = info.seq
        self._trim()

    def sit(self, identity: bytes, hello: Hello, now_ns: int) -> Seat:
        """Give a newcomer its seat; who comes back takes up where it was."""
        seat = Seat(identity, hello.name, hello.policy, hello.credit, self.end, heard_ns=now_ns)
        old = self.seats.get(identity)
        if hello.policy == "lossless":
            seat.acked_seq = hello.resume_from
            seat.next = seat.kept_from = self._after(hello.resume_from)
        elif hello.policy == "shots":
            seat.next = self._start_of_last_shot() if old else self._base
            seat.acked_seq = self.head_seq if old else -1
        self.seats[identity] = seat
        # The worker's frame goes out first: a decision waits for it, a screen does not.
        self.seats = dict(sorted(self.seats.items(), key=lambda at: at[1].policy != "shots"))
        return seat

    def is_full(self, identity: bytes) -> bool:
        """Whether there is no seat for somebody else; viewers that left make room first."""
        if identity in self.seats or len(self.seats) < MOST_SEATS:
            return False
        for seat in [s for s in self.seats.values() if s.is_away and s.policy == "latest"]:
            self.leave(seat)
        return len(self.seats) >= MOST_SEATS

    def leave(self, seat: Seat) -> None:
        """Take a seat away; nothing is kept for it any more."""
        del self.seats[seat.identity]
        self._trim()

    def silent(self, since_ns: int) -> list[Seat]:
        """Return the lossless listeners that have not been heard since a time, host clock."""
        return [s for s in self.seats.values() if s.policy == "lossless" and s.heard_ns < since_ns]

    def lost(self, seat: Seat) -> Gap | None:
        """Return the frames that a returning lossless listener needs but that are gone."""
        if seat.acked_seq >= self._forgotten_seq:
            return None
        why = "no longer in the ring when the recorder resumed"
        return Gap(seat.acked_seq + 1, self._forgotten_seq, why)

    def ack(self, seat: Seat, message: Ack, now_ns: int) -> None:
        """Note what a listener is done with, and what it may be sent."""
        seat.heard_ns = now_ns
        seat.is_away = False
        seat.credit += message.credit
        if message.upto > seat.acked_seq:
            seat.acked_seq = min(message.upto, self.head_seq)
            if seat.policy == "lossless":
                seat.kept_from = self._after(seat.acked_seq, start=seat.kept_from)
            self._trim()

    def due(self, seat: Seat) -> list[bytes]:
        """Return what a seat may be sent now, and move its pointer past it."""
        if seat.is_away:
            return []
        if seat.policy == "latest":
            return self._newest(seat)
        if seat.policy == "shots" and self._mode == "stream":
            return self._newest_shots(seat)
        return self._in_order(seat)

    def pinned_from(self) -> int:
        """Return the first frame that somebody still needs in the ring; `NOTHING` if none is.

        Numbers that a gap took need no slot: however many were lost, they do not fill the ring.
        """
        owed = (self._first_owed(seat) for seat in self.seats.values() if seat.policy == "lossless")
        return min(owed, default=NOTHING)

    def _first_owed(self, seat: Seat) -> int:
        """Return the first frame of the log that a lossless listener has not acknowledged."""
        if seat.acked_seq >= self.head_seq:
            return NOTHING
        for offset in range(max(seat.kept_from - self._base, 0), len(self._items)):
            if self._items[offset].seq > seat.acked_seq:
                return self._items[offset].seq
        return seat.acked_seq + 1

    @property
    def has_lossless(self) -> bool:
        """Whether anybody sits here who needs every frame."""
        return any(seat.policy == "lossless" for seat in self.seats.values())

    def unacked(self) -> int:
        """Return how many frames the slowest lossless listener has not acknowledged."""
        acked = [s.acked_seq for s in self.seats.values() if s.policy == "lossless"]
        return self.head_seq - min(acked, default=self.head_seq)

    def present(self) -> set[str]:
        """Return the names of those who sit here now."""
        return {seat.name for seat in self.seats.values() if not seat.is_away}

    def heard_ns(self) -> int:
        """Return when the lossless listener that has been silent longest was heard, host clock."""
        heard = [s.heard_ns for s in self.seats.values() if s.policy == "lossless"]
        return min(heard, default=1 << 62)

    def has_caught_up(self) -> bool:
        """Whether every lossless listener was sent all, and acknowledged every frame."""
        return all(
            seat.next == self.end and seat.acked_seq == self.head_seq
            for seat in self.seats.values()
            if seat.policy == "lossless"
        )

    def _in_order(self, seat: Seat) -> list[bytes]:
        packets = []
        seat.next = max(seat.next, self._base)  # a worker that slept too long sees the jump in seq
        for item in self._from(seat.next):
            if item.seq >= 0:
                if seat.credit <= 0:
                    break
                seat.credit -= 1
            seat.next += 1
            if item.for_worker or seat.policy == "lossless":
                packets.append(item.packet)
        return packets

    def _newest(self, seat: Seat) -> list[bytes]:
        packets: list[bytes] = []
        place = 0  # a frame keeps its place among the documents: the end comes last
        for item in self._from(seat.next):
            if item.seq < 0:
                packets.append(item.packet)
            else:
                seat.waiting[0], place = [item], len(packets)
        seat.next = self.end
        if seat.waiting and (seat.credit > 0 or self.is_over):
            packets.insert(place, seat.waiting.pop(0)[0].packet)
            seat.credit -= 1
        return packets

    def _newest_shots(self, seat: Seat) -> list[bytes]:
        packets = []
        building = seat.waiting.setdefault(-1, [])
        for item in self._from(seat.next):
            if item.seq < 0:
                if item.for_worker:
                    packets.append(item.packet)
                continue
            if building and building[0].shot != item.shot:
                building.clear()
            building.append(item)
            if item.ends_shot:
                seat.waiting[item.position] = list(building)
                building.clear()
        seat.next = self.end
        for position in [p for p in seat.waiting if p >= 0]:
            if seat.credit <= 0:
                break
            shot = seat.waiting.pop(position)
            packets += [item.packet for item in shot]
            seat.credit -= len(shot)  # a shot is sent whole; the next one waits for its last frame
        return packets

    def _from(self, place: int) -> Iterator[Item]:
        start = max(place - self._base, 0)
        if start >= len(self._items):
            return iter(())
        if start == len(self._items) - 1:  # the usual case; a deque is slow in its middle
            return iter((self._items[-1],))
        return iter([self._items[i] for i in range(start, len(self._items))])

    def _after(self, seq: int, start: int = 0) -> int:
        """Return the place behind the frame `seq`; what followed it counts even if it is gone."""
        place = max(start, self._base)
        for offset in range(place - self._base, len(self._items)):
            item = self._items[offset]
            if item.seq > seq:
                break
            if item.seq >= 0:
                place = self._base + offset + 1
            if item.seq == seq >= 0:
                break
        return place

    def _start_of_last_shot(self) -> int:
        place, shot = self.end, None
        for offset in range(len(self._items) - 1, -1, -1):
            item = self._items[offset]
            if item.seq < 0:
                continue
            if shot is not None and item.shot != shot:
                break
            shot, place = item.shot, self._base + offset
        return place

    def _trim(self) -> None:
        """Forget what is neither in the ring nor owed to a lossless listener."""
        kept = [s.kept_from for s in self.seats.values() if s.policy == "lossless"]
        kept += [s.next for s in self.seats.values() if s.policy == "latest" and not s.is_away]
        limit = min(kept, default=self.end)
        oldest_in_ring = self.head_seq - self._slots + 1
        while self._items and self._base < limit and self._items[0].seq < oldest_in_ring:
            item = self._items.popleft()  # a document has seq -1: it goes with the frame before it
            self._forgotten_seq = max(self._forgotten_seq, item.seq)
            self._base += 1
