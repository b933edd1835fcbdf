"""Where the window's messages come from: asked, never pushed, and nothing in it waits."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Protocol

from realtime.client import StreamClient
from realtime.errors import BadMessage, FrameLapped, StreamError
from realtime.stream.control import ControlClient
from realtime.wire import End, FrameMessage, Refused, Reply, Start

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from realtime.stream.address import Address
    from realtime.wire import FromHub, RestoredSlot

POLL_NS = 8_000_000  # a quarter of a tick: the rest of a flood waits for the next one
RESEND_NS = 1_000_000_000  # STOP LIGHT is said again until it is answered


class Source(Protocol):
    """What the window needs of the world. No call of it takes longer than copying an image."""

    def poll(self) -> list[FromHub]:
        """Return what came since the last call, replies to commands included."""
        ...

    def raw(self, message: FrameMessage) -> NDArray[np.uint16] | None:
        """Return a copy of a frame's counts, (Y, X) uint16; None if it was overwritten."""
        ...

    def restored(self, slot: RestoredSlot) -> NDArray[np.float32] | None:
        """Return a copy of a restored image, (Y, X) float32 photo-electrons; None if it is gone."""
        ...

    def shown(self, message: FrameMessage) -> None:
        """Say that a frame is on the screen, so that the next one may come."""
        ...

    def command(self, name: str) -> None:
        """Send a wish, a word of `lightloop.orders`; `poll` brings the reply."""
        ...

    def close(self) -> None:
        """Let go of everything. May be called twice."""
        ...


class StreamSource:
    """A running session, or a replay of one: the window cannot tell them apart.

    Parameters
    ----------
    address
        Where the hub listens. It need not be there yet.
    name
        Seat of this window at the hub.
    """

    def __init__(self, address: Address, name: str = "window") -> None:
        self._stream: StreamClient | None = StreamClient(address, name, "latest", 1)
        # STOP LIGHT has a hand of its own: no other command can stand in its way.
        self._hands = {name: ControlClient(address) for name in ("stop_light", "state", "")}
        self._last_stop_ns = 0  # 0: no STOP LIGHT waits for its answer
        self._waiting: list[FromHub] = []
        self._has_start = False
        with contextlib.suppress(StreamError):  # no time to wait: `poll` brings the answer
            self._stream.start(timeout_s=0.0)  # says hello

    def poll(self) -> list[FromHub]:
        """Return what came since the last call; only the newest frame is in it."""
        messages, self._waiting = self._waiting, []
        until_ns = time.perf_counter_ns() + POLL_NS
        while self._stream is not None and time.perf_counter_ns() < until_ns:
            try:
                got = self._stream.receive(0)
            except BadMessage as error:
                messages.append(Refused(str(error)))
                continue
            except StreamError as error:
                messages.append(Refused(str(error)))
                break
            if got is None:
                break
            if isinstance(got[1], Start):
                self._has_start = True
                self._hands["state"].post("state")  # it may be paused since before we came
            if isinstance(got[1], End):
                self._last_stop_ns = 0  # the end says itself whether it is dark
            messages.append(got[1])
        return messages + self._replies()

    def raw(self, message: FrameMessage) -> NDArray[np.uint16] | None:
        """Return a copy of a frame's counts; None if it was overwritten meanwhile."""
        if self._stream is None or not self._has_start:
            return None
        try:
            pixels = self._stream.pixels(message).copy()
            self._stream.check(message)
        except FrameLapped:
            return None
        return pixels

    def restored(self, slot: RestoredSlot) -> NDArray[np.float32] | None:
        """Return a copy of a restored image; None if it is gone."""
        return None if self._stream is None else self._stream.restored(slot)

    def shown(self, message: FrameMessage) -> None:
        """Give the frame's credit back."""
        if self._stream is not None:
            try:
                self._stream.ack(message.info.seq, 1)
            except StreamError as error:
                self._waiting.append(Refused(str(error)))

    def command(self, name: str) -> None:
        """Send a person's wish without waiting for what comes of it."""
        if self._stream is None:
            return
        if name == "stop_light":
            self._last_stop_ns = time.perf_counter_ns()
        self._hands.get(name, self._hands[""]).post(name)

    def close(self) -> None:
        """Leave the hub. May be called twice."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            for hand in self._hands.values():
                hand.close()

    def _replies(self) -> list[FromHub]:
        if self._stream is None:
            return []
        replies: list[FromHub] = []
        for hand in self._hands.values():
            reply = hand.poll(0)
            if isinstance(reply, Reply):
                replies.append(reply)
                if reply.name == "stop_light":
                    self._last_stop_ns = 0
        now_ns = time.perf_counter_ns()
        if self._last_stop_ns and now_ns - self._last_stop_ns > RESEND_NS:
            self.command("stop_light")
        return replies
