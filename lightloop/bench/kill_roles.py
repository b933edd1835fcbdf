"""The processes of `lightloop bench kill`: a scope that publishes known frames, a recorder."""

from __future__ import annotations

import multiprocessing
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.pipe import new_pipe
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.client import StreamClient
from realtime.errors import StreamError
from realtime.hub import Hub
from realtime.recorder import record
from realtime.ring import Ring, new_name, remove
from realtime.run_file import resume_point
from realtime.stream.address import Address, local_address
from realtime.wire import CameraInfo, End, Start

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from typing import Self

    from numpy.typing import NDArray

SIDE = 128
SLOTS = 1024  # a recorder that starts again takes a second or two
STALL_S, READY_S = 60.0, 30.0
CREDIT = 32
SPAWN = multiprocessing.get_context("spawn")


@cache
def _texture() -> NDArray[np.uint16]:
    return np.random.default_rng(0).poisson(200, (SIDE, SIDE)).astype(np.uint16)


def image(seq: int) -> NDArray[np.uint16]:
    """Return the pixels of a frame: noise, and the frame's own number in every pixel's value."""
    return _texture() + np.uint16(seq % 60_000)


class Process:
    """A child with a pipe, killed at the end if it still lives."""

    def __init__(self, role: Callable[..., None], *words: object) -> None:
        self._ours, theirs = new_pipe()
        self._process = SPAWN.Process(target=role, args=(theirs, *words), daemon=True)
        self._process.start()
        theirs.close()

    def kill(self) -> None:
        """End it as `kill -9` does, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def wait(self) -> None:
        """Wait until it has ended by itself.

        Raises
        ------
        StreamError
            If it does not.
        """
        self._process.join(STALL_S)
        if self._process.exitcode != 0:
            raise StreamError(f"bench kill: a process ended with {self._process.exitcode}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()
        self._ours.close()

    def _receive(self, what: str) -> bytes:
        if not self._ours.poll(READY_S):
            raise StreamError(f"bench kill: no {what} within {READY_S:.0f} s")
        return self._ours.recv_bytes()


class Scope(Process):
    """Publishes frames at a rate, to one lossless listener."""

    def __init__(self, folder: Path, frames: int, rate_hz: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(_scope, str(folder), frames, rate_hz)
        self.address, self._ring = msgspec.json.decode(
            self._receive("scope"), type=tuple[Address, str]
        )

    def go(self) -> None:
        """Let it begin once its recorder is there."""
        self._ours.send_bytes(b"go")

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        remove(self._ring)  # a killed scope leaves it behind


class Recorder(Process):
    """Records, and says what it has acknowledged.

    Parameters
    ----------
    skips
        Sabotage: claims one frame more than is on disk.
    """

    def __init__(self, path: Path, address: Address, *, skips: bool = False) -> None:
        super().__init__(_recorder, str(path), msgspec.json.encode(address), skips)
        self._acked = -1

    def wait_for_ack(self) -> None:
        """Wait until it has acknowledged a frame."""
        while self._acked < 0:
            self._acked = int(self._receive("acknowledgement"))

    def acked(self) -> int:
        """Return the last frame that it acknowledged, once it is gone."""
        try:
            while self._ours.poll(0):
                self._acked = int(self._ours.recv_bytes())
        except (EOFError, OSError):
            pass  # its end of the pipe closed with it
        return self._acked


class _Telling(StreamClient):
    """A client that tells its parent what it acknowledges."""

    def tell(self, pipe: Connection) -> None:
        """Tell it here."""
        self._pipe = pipe

    def ack(self, upto: int, credit: int) -> None:
        super().ack(upto, credit)
        self._pipe.send_bytes(b"%d" % upto)


def _recorder(pipe: Connection, path: str, address: bytes, skips: bool) -> None:
    resume_from = resume_point(Path(path))
    if skips and resume_from >= 0:
        resume_from += 1
    where = msgspec.json.decode(address, type=Address)
    with _Telling(where, "recorder", "lossless", CREDIT, resume_from) as client:
        client.tell(pipe)
        record(client, Path(path))


def _scope(pipe: Connection, folder: str, frames: int, rate_hz: float) -> None:
    with (
        Ring.create(new_name("kill"), SLOTS, 2 * SIDE * SIDE) as ring,
        Hub(local_address(Path(folder)), _start(ring), ring, stall_s=STALL_S) as hub,
    ):
        pipe.send_bytes(msgspec.json.encode((hub.address, ring.info.name)))
        pipe.recv_bytes()
        hub.wait_for({"recorder"}, READY_S)
        due_s = time.perf_counter()
        for seq in range(frames):
            due_s = max(due_s + 1.0 / rate_hz, time.perf_counter() - 1.0)
            time.sleep(max(0.0, due_s - time.perf_counter()))
            hub.publish(_info(seq), image(seq))
        end = End(frames - 1, frames, hub.gaps, "complete", "", is_dark=True)
        hub.finish(end, STALL_S)


def _start(ring: Ring) -> Start:
    camera = CameraInfo("camera", SIDE, SIDE, 0.1, Calibration(1.0, 100.0, 1.6, source="simulated"))
    settings = Settings((ChannelSettings("white", 10.0, 1.0),))
    now_ns = time.perf_counter_ns()
    return Start(new_name("session"), now_ns, time.time_ns(), (camera,), ring.info, settings)


def _info(seq: int) -> FrameInfo:
    used = Applied("white", "white", 550.0, 10.0, 10.0, 1.0, 1.0, 1.0, 0.01, False, -1)
    shot, now_ns = Shot(seq, 0, 1), time.perf_counter_ns()
    return FrameInfo(
        seq, "camera", seq, now_ns, now_ns * 1e-9, shot, 0, Index(t=seq), SIDE, SIDE,
        (0.0, 0.0, 0.0), used,
    )  # fmt: skip
