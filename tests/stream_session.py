"""A hub with real sockets for tests, and what is said to and by it."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import TypeVar

import numpy as np

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.client import StreamClient
from realtime.hub import Hub
from realtime.policy import Decision, Observation, Trust
from realtime.ring import Ring
from realtime.stream.address import Address, local_address
from realtime.stream.room import WhenFull
from realtime.wire import DecisionMessage, FrameMessage, Reply, Result, Start, Tracks

Kind = TypeVar("Kind")
SHAPE = (16, 24)
PATIENCE_S = 60.0  # on a loaded machine; only what fails waits so long
PATIENCE_MS = int(1000 * PATIENCE_S)
SETTINGS = Settings((ChannelSettings("GFP", 10.0, 0.1),))
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)


def info(seq: int, frames_per_shot: int = 1) -> FrameInfo:
    shot, place = divmod(seq, frames_per_shot)
    return FrameInfo(
        seq, "Camera", seq, time.perf_counter_ns(), seq * 60.0,
        Shot(shot, 0, frames_per_shot), place, Index(t=shot), *SHAPE, (0.0, 0.0, 0.0), APPLIED,
    )  # fmt: skip


def image(seq: int) -> np.ndarray:
    return np.full(SHAPE, seq % 65536, np.uint16)


def answer(message: FrameMessage) -> tuple[Result, DecisionMessage]:
    shot = message.info.shot.number
    seen = Observation(
        shot, 0, 0.0, (message.info.seq,), (APPLIED,), 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, Trust()
    )
    decision = Decision(shot, SETTINGS, seen.seqs, {}, "a test", "test", False)
    return Result(shot, 0, seen.seqs, seen, Tracks()), DecisionMessage(decision)


class Session:
    def __init__(
        self,
        folder: Path,
        slots: int = 8,
        mode: str = "event",
        *,
        stall_s: float = 0.05,
        when_full: WhenFull = "stall",
        use_tcp: bool = sys.platform == "win32",
    ) -> None:
        self.ring = Ring.create(f"ll_{uuid.uuid4().hex[:10]}", slots, 2 * SHAPE[0] * SHAPE[1])
        start = Start("test", 0, 0, (), self.ring.info, SETTINGS, mode=mode)
        self.commands: list[str] = []
        where = local_address(folder, use_tcp=use_tcp)
        self.hub = Hub(where, start, self.ring, self.obey, stall_s, when_full)
        self.address: Address = self.hub.address

    def obey(self, name: str) -> Reply:
        self.commands.append(name)
        return Reply(name, is_ok=True, is_dark=True)

    def publish(self, seqs: range, frames_per_shot: int = 1) -> None:
        for seq in seqs:
            self.hub.publish(info(seq, frames_per_shot), image(seq))

    def join(self, name: str, policy: str, credit: int, resume_from: int = -1) -> StreamClient:
        client = StreamClient(self.address, name, policy, credit, resume_from)
        client.start(PATIENCE_S)
        assert self.hub.wait_for({name}, PATIENCE_S)
        return client

    def wait_for_room(self, n_frames: int) -> None:
        until = time.perf_counter() + PATIENCE_S
        while not self.hub.has_room(n_frames):
            assert time.perf_counter() < until, "the ring stays full"
            self.hub.wait_for({"nobody"}, 0.02)

    def close(self) -> None:
        self.hub.close()
        self.ring.close()


def frames_of(client: StreamClient, count: int) -> list[int]:
    seqs: list[int] = []
    while len(seqs) < count:
        got = client.receive(PATIENCE_MS)
        assert got is not None, f"only {seqs} came"
        if isinstance(got[1], FrameMessage):
            seqs.append(got[1].info.seq)
    return seqs


def next_of(client: StreamClient, kind: type[Kind]) -> Kind:
    while True:
        got = client.receive(PATIENCE_MS)
        assert got is not None, f"no {kind.__name__} came"
        if isinstance(got[1], kind):
            return got[1]


def said_until(client: StreamClient, kind: type[object]) -> list[type[object]]:
    """Return the kinds of all messages until one of this kind, in the order in which they came."""
    said: list[type[object]] = []
    while not said or said[-1] is not kind:
        got = client.receive(PATIENCE_MS)
        assert got is not None, f"no {kind.__name__} came after {said}"
        said.append(type(got[1]))
    return said
