"""Who listens, how far each one is, and what is kept for whom: without a socket or a thread.

Every frame and document gets a place in one log (`realtime.stream.log`). A seat is a
pointer into it with a credit, and is served (`realtime.stream.serving`) by its policy:

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

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from realtime.stream.log import StreamLog
from realtime.stream.serving import in_order, newest, newest_shots
from realtime.wire import Ack, FrameMessage, Gap, Hello

if TYPE_CHECKING:
    from realtime.stream.log import Item

POLICIES = ("lossless", "shots", "latest")
NOTHING = 1 << 62  # later than every sequence number
MOST_SEATS = 32  # windows of one run, and a recorder; proposed


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
        self.log = StreamLog()
        self.is_over = False  # then a viewer gets the last frame, whether it asked or not
        self.seats: dict[bytes, Seat] = {}

    @property
    def head_seq(self) -> int:
        """Last frame that was added; -1 for none."""
        return self.log.head_seq

    def add(self, packet: bytes, frame: FrameMessage | None = None, *, for_worker: bool) -> None:
        """Append a document, or a frame that lies in the ring."""
        self.log.add(packet, frame, for_worker=for_worker)
        self._trim()

    def sit(self, identity: bytes, hello: Hello, now_ns: int) -> Seat:
        """Give a newcomer its seat; who comes back takes up where it was."""
        seat = Seat(identity, hello.name, hello.policy, hello.credit, self.log.end, heard_ns=now_ns)
        old = self.seats.get(identity)
        if hello.policy == "lossless":
            seat.acked_seq = hello.resume_from
            seat.next = seat.kept_from = self.log.place_after(hello.resume_from)
        elif hello.policy == "shots":
            seat.next = self.log.start_of_last_shot() if old else self.log.base
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
        if seat.acked_seq >= self.log.forgotten_seq:
            return None
        why = "no longer in the ring when the recorder resumed"
        return Gap(seat.acked_seq + 1, self.log.forgotten_seq, why)

    def ack(self, seat: Seat, message: Ack, now_ns: int) -> None:
        """Note what a listener is done with, and what it may be sent."""
        seat.heard_ns = now_ns
        seat.is_away = False
        seat.credit += message.credit
        if message.upto > seat.acked_seq:
            seat.acked_seq = min(message.upto, self.head_seq)
            if seat.policy == "lossless":
                seat.kept_from = self.log.place_after(seat.acked_seq, start=seat.kept_from)
            self._trim()

    def due(self, seat: Seat) -> list[bytes]:
        """Return what a seat may be sent now, and move its pointer past it."""
        if seat.is_away:
            return []
        if seat.policy == "latest":
            return newest(seat, self.log, is_over=self.is_over)
        if seat.policy == "shots" and self._mode == "stream":
            return newest_shots(seat, self.log)
        return in_order(seat, self.log)

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
        return self.log.first_after(seat.acked_seq, seat.kept_from)

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
        return min(heard, default=NOTHING)

    def has_caught_up(self) -> bool:
        """Whether every lossless listener was sent all, and acknowledged every frame."""
        return all(
            seat.next == self.log.end and seat.acked_seq == self.head_seq
            for seat in self.seats.values()
            if seat.policy == "lossless"
        )

    def _trim(self) -> None:
        """Forget what is neither in the ring nor owed to a lossless listener."""
        kept = [s.kept_from for s in self.seats.values() if s.policy == "lossless"]
        kept += [s.next for s in self.seats.values() if s.policy == "latest" and not s.is_away]
        limit = min(kept, default=self.log.end)
        self.log.forget(limit, self.head_seq - self._slots + 1)
