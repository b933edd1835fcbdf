"""Who takes part in the transport bench: a camera that does not wait, readers, a slow viewer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import psutil

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from lightloop.bench.stream_roles import APPLIED, JOIN_S, SETTINGS
from realtime.client import StreamClient
from realtime.errors import FrameLapped, StreamError
from realtime.hub import Hub
from realtime.ring import Ring, new_name
from realtime.stream.address import Address, local_address
from realtime.wire import CameraInfo, End, FrameMessage, Start

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from realtime.stream.room import WhenFull

SIZE = 2048
FPS = 100
SLOTS = 32  # 0.3 s, 268 MB
IMAGES = 8
ACK_EVERY = 4
HEARTBEAT_MS = 400
VIEWER_S = 4 / FPS
ROUNDS = 4  # the race and the plain copy take turns


class Job(NamedTuple):
    """What is to be carried; `drop` is a frame that the camera keeps from everybody (-1: none)."""

    folder: str
    frames: int
    readers: tuple[str, ...]
    drop: int = -1
    is_race: bool = False


class Carried(msgspec.Struct, frozen=True):
    """What one role says at the end.

    Attributes
    ----------
    n_good
        Frames that came in order and whole.
    cpu_s, sum_cpu_s
        Processor time from the first frame to the end, and what the checksums had of it.
    growth_mb
        Growth of its own memory from a quarter of the run to the end.
    ratio
        Camera, in a race: bandwidth of the ring over that of a plain copy; `samples_ms` has both.
    samples_ms
        Viewer: age of each frame when it came.
    """

    n_good: int = 0
    cpu_s: float = 0.0
    sum_cpu_s: float = 0.0
    wall_s: float = 0.0
    growth_mb: float = 0.0
    ratio: float = 0.0
    samples_ms: list[float] = []


class Growth:
    """Own memory of this process, MB, since a quarter of the run; shared pages are not counted."""

    def __init__(self, frames: int) -> None:
        self._at, self._first = frames // 4, 0.0

    def look(self, seq: int) -> None:
        """Note where it begins."""
        if seq == self._at or (seq > self._at and not self._first):
            self._first = _own_mb()

    def mb(self) -> float:
        """Return how much it grew."""
        return _own_mb() - self._first


def camera(pipe: Connection, job: Job) -> None:
    """Publish frames at the camera's rate, or as fast as they go; nothing is rendered meanwhile."""
    ring = Ring.create(new_name("bench"), SLOTS, 2 * SIZE * SIZE)
    images = np.random.default_rng(1).integers(100, 4000, (IMAGES, SIZE, SIZE), np.uint16)
    about = CameraInfo("Camera", SIZE, SIZE, 0.325, Calibration(1.0, 100.0, 1.6))
    start = Start("bench", time.perf_counter_ns(), time.time_ns(), (about,), ring.info, SETTINGS)
    for seq in range(SLOTS):
        ring.write(seq, images[seq % IMAGES])  # its pages are touched once before the run
    when_full: WhenFull = "stall" if job.is_race else "gap"
    with ring, Hub(local_address(Path(job.folder)), start, ring, when_full=when_full) as hub:
        pipe.send_bytes(msgspec.json.encode(hub.address))
        expected = {*job.readers} if job.is_race else {*job.readers, "viewer"}
        if not hub.wait_for(expected, JOIN_S):
            raise StreamError(f"not every listener came within {JOIN_S:.0f} s")
        done = _race(hub, job, images) if job.is_race else _film(hub, job, images)
        hub.finish(End(job.frames - 1, job.frames, hub.gaps, "complete", "", is_dark=True))
        pipe.send_bytes(msgspec.json.encode(done))
        pipe.recv_bytes()  # the ring stays until every listener has reported


def reader(pipe: Connection, job: Job) -> None:
    """Take every frame, compare the checksum of its bytes, and throw it away."""
    sums_ns = 0

    def take(client: StreamClient, message: FrameMessage) -> None:
        nonlocal sums_ns
        began_ns = time.thread_time_ns()
        client.check(message, with_sum=True)
        sums_ns += time.thread_time_ns() - began_ns
        if message.info.seq % ACK_EVERY == ACK_EVERY - 1:
            client.ack(message.info.seq, ACK_EVERY)

    done = _listen(pipe, job, "lossless", SLOTS // 2, take)
    pipe.send_bytes(msgspec.json.encode(msgspec.structs.replace(done, sum_cpu_s=sums_ns * 1e-9)))


def idler(pipe: Connection, job: Job) -> None:
    """Take every frame without a look at it: what is left is the way there."""

    def take(client: StreamClient, message: FrameMessage) -> None:
        if message.info.seq % ACK_EVERY == ACK_EVERY - 1:
            client.ack(message.info.seq, ACK_EVERY)

    pipe.send_bytes(msgspec.json.encode(_listen(pipe, job, "lossless", SLOTS // 2, take)))


def viewer(pipe: Connection, job: Job) -> None:
    """Look at the newest frame, and need four frame periods for it."""
    ages_ms: list[float] = []

    def take(client: StreamClient, message: FrameMessage) -> None:
        ages_ms.append((time.perf_counter_ns() - message.info.t_ns) * 1e-6)
        time.sleep(VIEWER_S)
        client.check(message)
        client.ack(message.info.seq, 1)

    done = _listen(pipe, job, "latest", 1, take)
    pipe.send_bytes(msgspec.json.encode(msgspec.structs.replace(done, samples_ms=ages_ms)))


def _film(hub: Hub, job: Job, images: NDArray[np.uint16]) -> Carried:
    growth = Growth(job.frames)
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for seq in range(job.frames):
        left_s = began_s + seq / FPS - time.perf_counter()
        if left_s > 0:
            time.sleep(left_s)
        growth.look(seq)
        if seq != job.drop:
            hub.publish(_info(seq), images[seq % IMAGES])
            hub.next_decision(0.0)  # as the loop does; nobody is there to answer
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    return Carried(hub.frames, cpu_s, wall_s=wall_s, growth_mb=growth.mb())


def _race(hub: Hub, job: Job, images: NDArray[np.uint16]) -> Carried:
    """Publish as fast as the ring takes it, in turns with copies of the same images."""
    target = np.zeros((SLOTS, SIZE, SIZE), np.uint16)
    target[:] = 1  # touched once, as the ring's pages are
    each, ring_s, copy_s = job.frames // ROUNDS, 0.0, 0.0
    for turn in range(ROUNDS):
        began_s = time.perf_counter()
        for seq in range(turn * each, (turn + 1) * each):
            hub.publish(_info(seq), images[seq % IMAGES])
        middle_s = time.perf_counter()
        for seq in range(each):
            np.copyto(target[seq % SLOTS], images[seq % IMAGES])
        ring_s += middle_s - began_s
        copy_s += time.perf_counter() - middle_s
    gb = each * ROUNDS * images[0].nbytes * 1e-9
    return Carried(hub.frames, ratio=copy_s / ring_s, samples_ms=[gb / ring_s, gb / copy_s])


def _listen(
    pipe: Connection,
    job: Job,
    policy: str,
    credit: int,
    take: Callable[[StreamClient, FrameMessage], None],
) -> Carried:
    """Take a seat, hand every frame to `take` until the end, and return the counts."""
    name = pipe.recv_bytes().decode()
    address = msgspec.json.decode(pipe.recv_bytes(), type=Address)
    growth, good, newest, cpu_s = Growth(job.frames), 0, -1, 0.0
    with StreamClient(address, name, policy, credit) as client:
        client.start(JOIN_S)
        until_s = time.perf_counter() + JOIN_S
        while True:
            got = client.receive(HEARTBEAT_MS)
            if got is None:
                client.ack(newest, 0)  # who says nothing loses its seat
                if time.perf_counter() > until_s:
                    raise StreamError(f"{name}: nothing came for {JOIN_S:.0f} s")
                continue
            message, until_s = got[1], time.perf_counter() + JOIN_S
            if isinstance(message, FrameMessage):
                cpu_s = cpu_s or time.process_time()
                growth.look(message.info.seq)
                try:
                    take(client, message)
                    good += message.info.seq > newest
                except FrameLapped:
                    client.ack(message.info.seq, 1)
                newest = message.info.seq
            elif isinstance(message, End):
                client.ack(message.last_seq, 1)
                return Carried(good, time.process_time() - cpu_s, growth_mb=growth.mb())


def _info(seq: int) -> FrameInfo:
    return FrameInfo(
        seq, "Camera", seq, time.perf_counter_ns(), seq / FPS, Shot(seq, 0, 1), 0, Index(t=seq),
        SIZE, SIZE, (0.0, 0.0, 0.0), APPLIED,
    )  # fmt: skip


def _own_mb() -> float:
    """Return the memory that only this process has, MB."""
    return float(psutil.Process().memory_full_info().uss) * 1e-6
