"""How fast a run file takes frames beside a bare file, and how small it packs them.

Then the recorder at work, with a camera that does not wait (`lightloop.bench.record_live`).

Sabotage: frames that should be stored as they are get packed, and those to be packed do not; the
live camera keeps a frame from everybody.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from lightloop.bench import record_live
from lightloop.bench.disk import scratch
from lightloop.bench.report import Measured, Options
from realtime.run_file import RunWriter
from realtime.wire import CameraInfo, FrameMessage, RingInfo, Start

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE, FRAMES, ROUNDS = 2048, 60, 5
FLUSH_FRAMES = 8  # as the recorder does
MEAN_E, OFFSET_ADU = 200, 100
FRAME_BYTES = 2 * SIDE * SIDE


def run(options: Options) -> Measured:
    """Write the same frames into a bare file and into a run file, in turn."""
    frames, rounds = options.times(FRAMES, least=8), options.times(ROUNDS, least=2)
    rng = np.random.default_rng(0)
    images = [(rng.poisson(MEAN_E, (SIDE, SIDE)) + OFFSET_ADU).astype(np.uint16) for _ in range(4)]
    with scratch(frames * FRAME_BYTES) as folder:
        bare, ours = [], []
        for _ in range(rounds):
            bare.append(_bare(folder / "bare", images, frames))
            ours.append(_written(folder / "run.h5", images, frames, packs=options.sabotage)[0])
        packed_s, n_bytes, cpu_s = _written(
            folder / "run.h5", images, frames, packs=not options.sabotage
        )
    live = record_live.run(options)
    return Measured(
        {
            **live.values,
            "record_speed_over_bare": min(bare) / min(ours),
            "record_ratio_over_entropy": frames * FRAME_BYTES / n_bytes / _bound(images[0]),
        },
        {
            "bare_s": bare,
            "run_file_s": ours,
            "packed_cpu_ms": [cpu_s / frames * 1e3],
            **live.samples,
        },
        f"stored as they are {frames * FRAME_BYTES / min(ours) / 1e6:.0f} MB/s, packed "
        f"{frames / packed_s:.0f} frames/s of {SIDE} x {SIDE} and {cpu_s / frames * 1e3:.1f} ms "
        f"of processor time each\n{live.table}",
    )


def _bare(path: Path, images: list[NDArray[np.uint16]], frames: int) -> float:
    """Write frames one after the other into a plain file; return the time, s."""
    start = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for number in range(frames):
            file.write(images[number % len(images)].data)
    took_s = time.perf_counter() - start
    path.unlink()
    return took_s


def _written(
    path: Path, images: list[NDArray[np.uint16]], frames: int, *, packs: bool
) -> tuple[float, int, float]:
    """Write frames into a run file; return the time, s, its bytes, and processor time, s."""
    messages = [_message(number, images[number % len(images)]) for number in range(frames)]
    with RunWriter(path, _start(), compress=packs) as writer:
        start, start_cpu = time.perf_counter(), time.process_time()
        for number, message in enumerate(messages, 1):
            writer.frame(message, images[message.info.seq % len(images)])
            if number % FLUSH_FRAMES == 0:
                writer.flush()
        writer.flush()
        took_s, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    n_bytes = path.stat().st_size
    path.unlink()
    return took_s, n_bytes, cpu_s


def _bound(image: NDArray[np.uint16]) -> float:
    """Return the best ratio of a code that looks at pixels one by one: 16 bits over the entropy.

    References
    ----------
    Shannon 1948, Bell Syst. Tech. J. 27, theorem 9 (the noiseless coding theorem).
    """
    share = np.bincount(image.ravel()) / image.size
    share = share[share > 0]
    return 16.0 / -float((share * np.log2(share)).sum())


def _start() -> Start:
    camera = CameraInfo("camera", SIDE, SIDE, 0.1, Calibration(1.0, OFFSET_ADU, 0.0))
    settings = Settings((ChannelSettings("white", 10.0, 1.0),))
    return Start("bench", 0, time.time_ns(), (camera,), RingInfo("none", 0, 0), settings)


def _message(seq: int, pixels: NDArray[np.uint16]) -> FrameMessage:
    used = Applied("white", "white", 550.0, 10.0, 10.0, 1.0, 1.0, 1.0, 0.01, False, -1)
    info = FrameInfo(
        seq, "camera", seq, seq, 0.1 * seq, Shot(seq, 0, 1), 0, Index(t=seq), SIDE, SIDE,
        (0.0, 0.0, 0.0), used,
    )  # fmt: skip
    digest = xxhash.xxh3_64_intdigest(pixels.data)
    return FrameMessage(info, 0, 0, pixels.nbytes, digest)
