"""The recorder at work: a camera that does not wait, two viewers, and what is on the disk then.

Two films that a disk can follow, packed; a burst that only the ring can take; and a disk that is
too slow, where the config's word ("gap", "stall") must come true. What counts is read from the run
file, every byte of it.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lightloop.bench import record_live_roles
from lightloop.bench.cast import hear, start_role
from lightloop.bench.disk import scratch
from lightloop.bench.record_live_roles import Film, Filmed
from lightloop.bench.report import Measured, Options
from realtime.run_file import RunReader, examine

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from realtime.run_file import Verdict

SLOTS = 64  # as in a run, if its config says nothing
BURST_SLOTS = 2  # for each frame: a config asks for a ring that a burst fills by half (ring_frames)
VIEWERS = ("viewer0", "viewer1")
LARGE, SMALL = 2048, 512
SLOW_FPS, TOO_FAST_FPS, SLOW_SLOTS = 25.0, 100.0, 16


class Live(NamedTuple):
    """One film: what each role says, and what an examination of the file found."""

    film: Film
    camera: Filmed
    recorder: Filmed
    verdict: Verdict
    n_declared: int

    @property
    def n_missing(self) -> int:
        """Frames of the camera that are not in the file, byte for byte."""
        return self.film.frames - self.verdict.n_frames + self.verdict.n_bad_frames

    @property
    def n_wrong(self) -> int:
        """Frames that are neither there nor declared lost, and other faults of the file."""
        undeclared = abs(self.n_missing - self.n_declared)
        return undeclared + len(self.verdict.faults)


def run(options: Options) -> Measured:
    """Record every film in turn."""
    drop = 3 if options.sabotage else -1
    with scratch(2 * LARGE * LARGE * options.times(600, least=8)) as folder:

        def lasting(side: int, fps: float, seconds: float) -> Film:
            frames = options.times(round(fps * seconds), least=8)
            return Film(str(folder), side, fps, frames, SLOTS, drop=drop)

        large, small = (_live(lasting(*film)) for film in ((LARGE, 20, 30), (SMALL, 100, 60)))
        frames = options.times(100, least=40)
        burst, usual = (
            _live(Film(str(folder), LARGE, 100, frames, slots))
            for slots in (BURST_SLOTS * frames, SLOTS)
        )
        slow = [
            _live(Film(str(folder), 256, TOO_FAST_FPS, frames, SLOW_SLOTS, declared, SLOW_FPS))
            for declared in ("gap", "stall")
        ]
    return Measured(
        {
            "record_live_frames_lost": float(large.n_missing + small.n_missing),
            "record_live_faults": float(sum(a.n_wrong for a in (large, small, burst, usual))),
            "record_live_packed": min(_packed(large), _packed(small)),
            "record_live_pace": min(_pace(large), _pace(small), _pace(burst)),
            "record_burst_frames_lost": float(burst.n_missing),
            "record_too_slow_not_as_declared": float(_not_as_declared(*slow)),
        },
        {
            "record_live_recorder_cpu_ms": [_recorder_ms(large), _recorder_ms(small)],
            "record_live_camera_cpu_ms": [_camera_ms(large), _camera_ms(small)],
            "record_burst_raw_frames": [float(burst.recorder.n_raw)],
            "record_burst_usual_ring_lost": [float(usual.n_missing)],
            "record_burst_recorder_cpu_ms": [_recorder_ms(burst), _recorder_ms(usual)],
            "record_too_slow_lost": [float(one.n_missing) for one in slow],
            "record_too_slow_wall_s": [one.camera.wall_s for one in slow],
        },
        f"live: the recorder takes {_recorder_ms(large):.1f} ms of processor time for a frame of "
        f"{LARGE} x {LARGE}, {_recorder_ms(small):.2f} for {SMALL} x {SMALL}; of the burst "
        f"{burst.recorder.n_raw} frames were stored as they are ({_recorder_ms(burst):.1f} ms); "
        f"with a ring of {SLOTS} frames {usual.n_missing} of it were lost; a disk that is four "
        f'times too slow costs {slow[0].n_missing} of {frames} frames, declared ("gap"), or makes '
        f"the camera take {slow[1].camera.wall_s:.1f} s instead of {frames / TOO_FAST_FPS:.1f} "
        '("stall")',
    )


def _live(film: Film) -> Live:
    """Record one film, and look at every byte of it."""
    with tempfile.TemporaryDirectory(prefix="ll", dir=film.folder) as folder:
        film = film._replace(folder=folder)
        camera, recorder = _perform(film)
        verdict = examine(film.path)
        with RunReader(film.path) as reader:
            declared = sum(gap.seq_to - gap.seq_from + 1 for gap in reader.gaps)
    return Live(film, camera, recorder, verdict, declared)


def _perform(film: Film) -> tuple[Filmed, Filmed]:
    with ExitStack() as stack:
        hub = start_role(stack, record_live_roles.camera, film)
        pipes: dict[str, Connection] = {
            name: start_role(stack, record_live_roles.viewer, film) for name in VIEWERS
        }
        disk = start_role(stack, record_live_roles.recorder, film)
        address = hear(hub, "camera")
        for name, pipe in pipes.items():
            pipe.send_bytes(name.encode())
            pipe.send_bytes(address)
        disk.send_bytes(address)
        hear(disk, "recorder")
        hub.send_bytes(b"go")
        camera = msgspec.json.decode(hear(hub, "camera"), type=Filmed)
        recorder = msgspec.json.decode(hear(disk, "recorder"), type=Filmed)
        for name, pipe in pipes.items():
            hear(pipe, name)
        hub.send_bytes(b"thanks")
    return camera, recorder


def _packed(live: Live) -> float:
    return 1.0 - live.recorder.n_raw / max(live.recorder.n_frames, 1)


def _pace(live: Live) -> float:
    """Return the rate that was held over the rate that was asked for."""
    film = live.film
    return (film.frames - 1) / film.fps / live.camera.wall_s


def _recorder_ms(live: Live) -> float:
    return live.recorder.cpu_s / max(live.recorder.n_frames, 1) * 1e3


def _camera_ms(live: Live) -> float:
    return live.camera.cpu_s / live.film.frames * 1e3


def _not_as_declared(gap: Live, stall: Live) -> int:
    """Count what a disk that is too slow did, and the config did not say."""
    wrong = gap.n_wrong + stall.n_wrong + stall.n_missing  # "stall" loses nothing
    wrong += gap.n_missing == 0  # "gap" does not wait
    wrong += _pace(gap) < 0.9
    wrong += _pace(stall) > 0.5  # "stall" does
    return wrong
