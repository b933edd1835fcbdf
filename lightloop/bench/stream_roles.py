"""Who takes part in the stream bench: each role is a process of its own, as in a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import xxhash

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.client import StreamClient
from realtime.errors import FrameLapped, StreamError
from realtime.hub import Hub
from realtime.policy import Decision, Observation, Trust
from realtime.ring import Ring, new_name
from realtime.stream.address import Address, local_address
from realtime.wire import (
    CameraInfo,
    DecisionMessage,
    End,
    FrameMessage,
    Gap,
    Result,
    Start,
    Tracks,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

SIZE = 512
SLOTS = 64
ANSWER_S = 10.0
JOIN_S = 30.0
WINDOW_S = 1 / 30  # a window asks for the newest frame so often
SETTINGS = Settings((ChannelSettings("GFP", 10.0, 0.1),))
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)


class Order(NamedTuple):
    """What the publisher is to do; `drop` is a frame that it keeps from everybody (-1: none)."""

    folder: str
    frames: int
    drop: int


class Heard(msgspec.Struct, frozen=True):
    """What one role says at the end.

    Attributes
    ----------
    n_good
        Frames that came in order and whole.
    cpu_s
        Processor time from the first frame to the last document.
    samples_ms
        Publisher: publish to decision. `bare_cpu_s` is the work that no design could leave out.
    """

    n_good: int
    cpu_s: float
    samples_ms: list[float] = []
    bare_cpu_s: float = 0.0


def publisher(pipe: Connection, order: Order) -> None:
    """Publish frames as the loop does in event mode: each waits for its decision."""
    ring = Ring.create(new_name("bench"), SLOTS, 2 * SIZE * SIZE)
    images = np.random.default_rng(1).integers(100, 4000, (8, SIZE, SIZE), np.uint16)
    camera = CameraInfo("Camera", SIZE, SIZE, 0.325, Calibration(1.0, 100.0, 1.6))
    start = Start("bench", time.perf_counter_ns(), time.time_ns(), (camera,), ring.info, SETTINGS)
    with ring, Hub(local_address(Path(order.folder)), start, ring) as hub:
        pipe.send_bytes(msgspec.json.encode(hub.address))
        if not hub.wait_for({"recorder", "worker", "window"}, JOIN_S):
            raise StreamError(f"not every listener came within {JOIN_S:.0f} s")
        samples: list[float] = []
        began_s = time.process_time()
        for seq in range(order.frames):
            if seq != order.drop:
                samples.append(_round_trip_ms(hub, seq, images[seq % len(images)]))
        hub.finish(End(order.frames - 1, order.frames, hub.gaps, "complete", "", is_dark=True))
        cpu_s = time.process_time() - began_s
        heard = Heard(hub.frames, cpu_s, samples, _bare_cpu_s(images, order.frames))
        pipe.send_bytes(msgspec.json.encode(heard))
        pipe.recv_bytes()  # the ring stays until every listener has reported


def recorder(pipe: Connection, _: Order) -> None:
    """Take every frame, check each byte, acknowledge every eighth: the disk left out."""

    def take(client: StreamClient, message: FrameMessage) -> None:
        client.check(message, with_sum=True)
        seq = message.info.seq
        if seq % 8 == 7:
            client.ack(seq, 8)

    _listen(pipe, "recorder", "lossless", SLOTS // 2, take)


def worker(pipe: Connection, _: Order) -> None:
    """Answer each frame with a result and a decision, thinking about nothing."""

    def take(client: StreamClient, message: FrameMessage) -> None:
        client.check(message)
        for document in _answer(message):
            client.send(document)
        client.ack(message.info.seq, 1)

    _listen(pipe, "worker", "shots", 1000, take)


def window(pipe: Connection, _: Order) -> None:
    """Ask for the newest frame thirty times a second, and copy it to an imagined screen."""
    screen = np.empty((SIZE, SIZE), np.uint16)

    def take(client: StreamClient, message: FrameMessage) -> None:
        np.copyto(screen, client.pixels(message))
        client.check(message)
        time.sleep(WINDOW_S)
        client.ack(message.info.seq, 1)

    _listen(pipe, "window", "latest", 1, take)


def _listen(
    pipe: Connection,
    name: str,
    policy: str,
    credit: int,
    take: Callable[[StreamClient, FrameMessage], None],
) -> None:
    """Take a seat, hand every frame to `take` until the end, and report."""
    address = msgspec.json.decode(pipe.recv_bytes(), type=Address)
    good, newest, cpu_s = 0, -1, 0.0
    with StreamClient(address, name, policy, credit) as client:
        client.start(JOIN_S)
        while True:
            got = client.receive(int(JOIN_S * 1000))
            if got is None:
                raise StreamError(f"{name}: nothing came for {JOIN_S:.0f} s")
            message = got[1]
            if isinstance(message, FrameMessage):
                cpu_s = cpu_s or time.process_time()
                try:
                    take(client, message)
                    good += message.info.seq > newest
                except FrameLapped:
                    client.ack(message.info.seq, 1)
                newest = message.info.seq
            elif isinstance(message, Gap):
                good -= policy == "lossless"  # declared, and lost all the same
            elif isinstance(message, End):
                client.ack(message.last_seq, 1)
                break
    pipe.send_bytes(msgspec.json.encode(Heard(good, time.process_time() - cpu_s)))


def _round_trip_ms(hub: Hub, seq: int, image: NDArray[np.uint16]) -> float:
    start = time.perf_counter_ns()
    info = FrameInfo(
        seq, "Camera", seq, start, float(seq), Shot(seq, 0, 1), 0, Index(t=seq), SIZE, SIZE,
        (0.0, 0.0, 0.0), APPLIED,
    )  # fmt: skip
    hub.publish(info, image)
    if hub.next_decision(ANSWER_S) is None:
        raise StreamError(f"frame {seq}: no decision within {ANSWER_S:.0f} s")
    return (time.perf_counter_ns() - start) * 1e-6


def _answer(message: FrameMessage) -> tuple[Result, DecisionMessage]:
    shot, seqs = message.info.shot.number, (message.info.seq,)
    seen = Observation(
        shot, 0, message.info.t_s, seqs, (APPLIED,), 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, Trust()
    )
    decision = Decision(shot, SETTINGS, seqs, {}, "as before", "bench", has_evidence=False)
    return Result(shot, 0, seqs, seen, Tracks()), DecisionMessage(decision)


def _bare_cpu_s(images: NDArray[np.uint16], frames: int) -> float:
    """Return the processor time of one copy and two checksums a frame: into the ring, and safe."""
    target = np.empty((SLOTS, SIZE, SIZE), np.uint16)
    target[:] = 0  # touched once, as the ring's pages are
    began_s = time.process_time()
    for seq in range(frames):
        image, slot = images[seq % len(images)], target[seq % SLOTS]
        np.copyto(slot, image)
        xxhash.xxh3_64_intdigest(image.data)
        xxhash.xxh3_64_intdigest(slot.data)
    return time.process_time() - began_s
