"""What `lightloop bench replay` needs: a recording, a worker that stalls, load, and forgeries."""

from __future__ import annotations

import multiprocessing
import threading
import time
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import xxhash

from lightloop.build.cell_light import build_cell_dose
from lightloop.build.pipeline import build_pipeline, build_policy
from lightloop.build.trust import build_focus_gate
from lightloop.config import parse
from lightloop.supervision.supervisor import supervise
from lightloop.task import RunTask
from realtime.client import StreamClient
from realtime.errors import StreamError
from realtime.hub import Hub
from realtime.pipeline import Pipeline
from realtime.player import play, replay_start
from realtime.replay.verify import Verifier
from realtime.ring import Ring, new_name
from realtime.run_file import RunReader, RunWriter
from realtime.stream.address import local_address
from realtime.wire import End, FrameMessage, decode_from_hub

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from realtime.stream.address import Address
    from realtime.wire import Start

SHOTS, SIDE = 12, 160
STALL_S = 0.003  # mean of a stall; half of all steps stall
BLOCK = 16  # side of the block of pixels that is changed
SPAWN = multiprocessing.get_context("spawn")


def record_run(folder: Path) -> Path:
    """Record a run of the simulated specimen with the shipped network, by the real processes.

    Raises
    ------
    StreamError
        If it does not come to its end.
    """
    text = files("configs").joinpath("demo.toml").read_text("utf-8")
    text = text.replace("[scope]\n", f"[scope]\nheight = {SIDE}\nwidth = {SIDE}\n", 1)
    text = text.replace("n_cells = 40", "n_cells = 8")
    path = folder / "run.h5"
    outcome = supervise(RunTask(text, "the bench's config", str(path), max_shots=SHOTS))
    if outcome.exit_code != 0:
        raise StreamError(f"bench replay: no recording to replay: {outcome.reason}")
    return path


class Stand:
    """A worker and a player that stall, over a hub in this process.

    Parameters
    ----------
    forgets
        Sabotage: in mid-run the worker forgets all that it knows.
    """

    def __init__(self, path: Path, *, forgets: bool = False) -> None:
        with RunReader(path) as reader:
            self._start = reader.start
        self._config = parse(self._start.config_toml, "the bench's config")
        self._steps = build_pipeline(self._config, self._start, None).steps
        self._forgets = forgets

    def replay(self, path: Path, folder: Path, rng: random.Random) -> tuple[Verifier, int]:
        """Replay a run in lock-step, with random stalls; return the comparison, and how many.

        Raises
        ------
        RunFileError
            If a frame is damaged.
        """
        folder.mkdir()
        stall = _Stall(rng)
        with RunReader(path) as reader, Ring.create(new_name("replay"), 8, 2 * SIDE**2) as ring:
            verifier = Verifier(reader)
            start = replay_start(reader, ring.info, mode="event")
            with Hub(local_address(folder), start, ring) as hub:
                worker = threading.Thread(
                    target=self._work, args=(hub.address, start, stall), name="bench worker"
                )
                worker.start()
                try:
                    if not hub.wait_for({"worker"}, 30.0):
                        raise StreamError("bench replay: the worker did not come")
                    play(
                        reader, hub, "step",
                        on_decision=verifier.compare, judged_only=True, wait=stall,
                    )  # fmt: skip
                finally:
                    hub.finish(End(-1, 0, 0, "partial", "over", is_dark=True), 1.0)
                    worker.join()
        return verifier, stall.count

    def _work(self, address: Address, start: Start, stall: _Stall) -> None:
        """Answer each shot as `lightloop.processes.worker` does."""
        pipeline = self._pipeline(start)
        with StreamClient(address, "worker", "shots", credit=1_000, shares_tracker=True) as client:
            client.start(30.0)
            while (got := client.receive(30_000)) is not None:
                message = got[1]
                if isinstance(message, End):
                    return
                if not isinstance(message, FrameMessage):
                    continue
                stall(0.0)
                pipeline.see(message.info, client.pixels(message))
                client.check(message)
                if message.info.ends_shot and pipeline.has_whole_shot:
                    for answer in pipeline.answer():
                        stall(0.0)
                        client.send(answer)
                client.ack(message.info.seq, 1)
                if self._forgets and message.info.seq == SHOTS // 2:
                    pipeline = self._pipeline(start)

    def _pipeline(self, start: Start) -> Pipeline:
        """Return a pipeline that has seen nothing; only the network is that of the one before."""
        camera, config = start.cameras[0], self._config
        return Pipeline(
            self._steps._replace(
                policy=build_policy(config, start.settings, camera.calibration.read_noise_e),
                cell_dose=build_cell_dose(config, camera),
                focus=build_focus_gate(config, camera),
            )
        )


class _Stall:
    """Called where a step may stall; the player takes it for its `wait`."""

    def __init__(self, rng: random.Random) -> None:
        self.count = 0
        self._rng = rng
        self._lock = threading.Lock()

    def __call__(self, seconds: float) -> bool:
        with self._lock:
            stalls = self._rng.random() < 0.5
            seconds += self._rng.expovariate(1.0 / STALL_S) if stalls else 0.0
            self.count += stalls
        time.sleep(seconds)
        return False


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep processors busy meanwhile."""
    children = [SPAWN.Process(target=_spin, daemon=True) for _ in range(count)]
    for child in children:
        child.start()
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.join()
            child.close()


def _spin() -> None:
    while True:
        sum(range(100_000))


def flip_a_byte(path: Path, out: Path, seq: int, rng: random.Random) -> None:
    """Copy a run file with one byte changed in the chunk of a frame."""
    import h5py

    with h5py.File(path) as file:
        row = int(np.flatnonzero(file["entry/frames"]["seq"] == seq)[0])
        chunk = file["entry/cam0/data"].id.get_chunk_info_by_coord((row, 0, 0))
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + rng.randrange(chunk.size // 4, chunk.size * 3 // 4)] ^= 0x55
    out.write_bytes(content)


def with_another_block(path: Path, out: Path, seq: int, rng: random.Random) -> None:
    """Record a run once more with another block of pixels in one frame, and every sum right."""
    with RunReader(path) as reader, RunWriter(out, reader.start) as writer:
        for packet in reader.packets():
            message = decode_from_hub(packet)
            if not isinstance(message, FrameMessage):
                writer.document(packet, message)
                continue
            pixels = reader.pixels(message.info.seq)
            if message.info.seq == seq:
                pixels = pixels.copy()
                y, x = (rng.randrange(0, side - BLOCK) for side in pixels.shape)
                pixels[y : y + BLOCK, x : x + BLOCK] += np.uint16(40)
                digest = xxhash.xxh3_64_intdigest(pixels.data)
                message, packet = msgspec.structs.replace(message, xxh3=digest), b""
            writer.frame(message, pixels, packet)
        writer.close("complete")
