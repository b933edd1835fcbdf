"""Who takes part in the live record bench: a camera that does not wait, recorder, two viewers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from lightloop.bench.stream_roles import APPLIED, JOIN_S, SETTINGS, WINDOW_S
from realtime.client import StreamClient
from realtime.errors import FrameLapped, StreamError
from realtime.hub import Hub
from realtime.recorder import record
from realtime.ring import Ring, new_name
from realtime.stream.address import Address, local_address
from realtime.wire import CameraInfo, End, FrameMessage, Start

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from realtime.stream.room import WhenFull

IMAGES = 8
MEAN_E, OFFSET_ADU = 200, 100
CREDIT = 32  # as the recorder of a run
FINISH_S = 60.0  # for a recorder that is a whole ring behind


class Film(NamedTuple):
    """What is to be recorded.

    Attributes
    ----------
    fps
        Frames a second that the camera gives, whatever the others do; in "stall" it waits.
    slots
        Frames that the ring holds.
    disk_fps
        Frames a second that the disk takes at most; 0: whatever it can.
    drop
        A frame that the camera keeps from everybody (-1: none).
    """

    folder: str
    side: int
    fps: float
    frames: int
    slots: int
    when_full: WhenFull = "gap"
    disk_fps: float = 0.0
    drop: int = -1

    @property
    def n_bytes(self) -> int:
        """Bytes of all its pixels."""
        return 2 * self.side * self.side * self.frames

    @property
    def path(self) -> Path:
        """The run file."""
        return Path(self.folder) / "run.h5"


class Filmed(msgspec.Struct, frozen=True):
    """What one role says at the end.

    Attributes
    ----------
    n_frames
        Frames that were published, recorded, or seen.
    n_lost
        Camera: frames that the hub had no room for.
    n_raw
        Recorder: frames that were stored as they are.
    cpu_s, wall_s
        Processor time and time from the first frame to the last.
    """

    n_frames: int = 0
    n_lost: int = 0
    n_raw: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0


def camera(pipe: Connection, film: Film) -> None:
    """Publish frames at the camera's rate; they were rendered before."""
    side = film.side
    rng = np.random.default_rng(1)
    shot_noise = rng.poisson(MEAN_E, (IMAGES, side, side)) + OFFSET_ADU
    images = shot_noise.astype(np.uint16)
    about = CameraInfo("Camera", side, side, 0.325, Calibration(1.0, float(OFFSET_ADU), 1.6))
    with Ring.create(new_name("bench"), film.slots, 2 * side * side) as ring:
        for seq in range(film.slots):
            ring.write(seq, images[seq % IMAGES])  # its pages are touched once before the run
        start = Start("live", time.perf_counter_ns(), time.time_ns(), (about,), ring.info, SETTINGS)
        address = local_address(Path(film.folder))
        with Hub(address, start, ring, when_full=film.when_full) as hub:
            pipe.send_bytes(msgspec.json.encode(hub.address))
            if not hub.wait_for({"recorder", "viewer0", "viewer1"}, JOIN_S):
                raise StreamError(f"not every listener came within {JOIN_S:.0f} s")
            pipe.recv_bytes()  # the recorder has its file open
            began_s, cpu_s, n_lost = time.perf_counter(), time.process_time(), 0
            for seq in range(film.frames):
                left_s = began_s + seq / film.fps - time.perf_counter()
                if left_s > 0:
                    time.sleep(left_s)
                if seq != film.drop:
                    n_lost += hub.publish(_info(film, seq), images[seq % IMAGES]) is None
            wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
            end = End(film.frames - 1, hub.frames, hub.gaps, "complete", "", is_dark=True)
            hub.finish(end, FINISH_S)
            pipe.send_bytes(msgspec.json.encode(Filmed(hub.frames, n_lost, 0, cpu_s, wall_s)))
            pipe.recv_bytes()  # the ring stays until every listener has reported


def recorder(pipe: Connection, film: Film) -> None:
    """Record as in a run, and say what came of it."""
    address = msgspec.json.decode(pipe.recv_bytes(), type=Address)
    began: list[float] = []

    def is_ready() -> None:
        began.append(time.process_time())
        pipe.send_bytes(b"ready")

    with StreamClient(address, "recorder", "lossless", CREDIT) as client:
        listener = _SlowDisk(client, film.disk_fps) if film.disk_fps else client
        done = record(listener, film.path, on_ready=is_ready)
    cpu_s = time.process_time() - began[0]
    pipe.send_bytes(msgspec.json.encode(Filmed(done.n_frames, 0, done.n_raw, cpu_s)))


class _SlowDisk:
    """A listener whose recorder has a disk that takes so many frames a second, and no more."""

    def __init__(self, client: StreamClient, fps: float) -> None:
        self.start, self.receive, self.pixels = client.start, client.receive, client.pixels
        self.ack, self.restored = client.ack, client.restored
        self._client, self._frame_s = client, 1.0 / fps

    def check(self, message: FrameMessage, *, with_sum: bool) -> None:
        """Look whether the pixels are whole, and take the time of a slow disk."""
        self._client.check(message, with_sum=with_sum)
        time.sleep(self._frame_s)


def viewer(pipe: Connection, film: Film) -> None:
    """Ask for the newest frame thirty times a second, and copy it to an imagined screen."""
    name = pipe.recv_bytes().decode()
    address = msgspec.json.decode(pipe.recv_bytes(), type=Address)
    screen = np.empty((film.side, film.side), np.uint16)
    n_seen = 0
    with StreamClient(address, name, "latest", 1) as client:
        client.start(JOIN_S)
        while (got := client.receive(int(FINISH_S * 1000))) is not None:
            message = got[1]
            if isinstance(message, End):
                break
            if isinstance(message, FrameMessage):
                try:
                    np.copyto(screen, client.pixels(message))
                    client.check(message)
                    n_seen += 1
                except FrameLapped:
                    pass  # the next one is newer
                time.sleep(WINDOW_S)
                client.ack(message.info.seq, 1)
    pipe.send_bytes(msgspec.json.encode(Filmed(n_seen)))


def _info(film: Film, seq: int) -> FrameInfo:
    return FrameInfo(
        seq, "Camera", seq, time.perf_counter_ns(), seq / film.fps, Shot(seq, 0, 1), 0,
        Index(t=seq), film.side, film.side, (0.0, 0.0, 0.0), APPLIED,
    )  # fmt: skip
