"""The worker: networks, tracker, policy. It answers each shot; it never touches the microscope."""

from __future__ import annotations

import gc
import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
import xxhash

from lightloop.build.pictures import finer_pixels, pictures_a_shot
from lightloop.config import parse
from lightloop.processes.echo_desk import Delayed, EchoDesk
from lightloop.processes.link import Link, run_child
from lightloop.processes.worker_memory import WorkerMemory, open_memory
from lightloop.processes.workplace import Workplace
from lightloop.task import RunTask
from realtime.client import StreamClient
from realtime.errors import FrameLapped
from realtime.memory.restarts import RecordedPast, Restarting, restarts
from realtime.pipeline import Pipeline
from realtime.ring import Ring, new_name
from realtime.tracker.doubts import sentence
from realtime.wire import End, FrameMessage, Gap, Notice, RestoredSlot, Start

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray


logger = logging.getLogger(__name__)

AnyPipeline: TypeAlias = Pipeline | Restarting

CREDIT = 1_000  # frames
RESTORED_SLOTS = 4
RECORDED_SLOTS, RECORDED_BYTES = 16, 128 << 20  # a recorder may come late, within so much memory


def main(task_json: bytes, supervisor: Connection) -> None:
    """Entry of the process."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _work(task, link), task.is_verbose)


class Credit:
    """What the hub may send before it hears of us again.

    In a stream, the newest shot when we have time for it. Else every frame is looked at, none
    waits for another, and the hub hears of them by the hundred: one message less for each frame.
    """

    def __init__(self, client: StreamClient, *, is_stream: bool) -> None:
        self._client, self._used = client, 0
        self._lump = 1 if is_stream else CREDIT // 10
        if not is_stream:
            client.ack(-1, CREDIT)

    def used(self, seq: int) -> None:
        """Take note that a frame is done with."""
        self._used += 1
        if self._used == self._lump:
            self._client.ack(seq, self._used)
            self._used = 0


class RestoredRing:
    """The worker's small ring of restored images: the newest few, for whoever looks.

    Where they are recorded it is a little larger, and each carries its checksum. Pictures for
    viewers lie in it, too: `pictures` of them a shot, of `upscale` times the rows and columns.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        is_recorded: bool = False,
        pictures: int = 0,
        upscale: int = 1,
    ) -> None:
        self.name = new_name("restored")  # a new one for a worker that starts again
        slot_bytes, slots = 4 * height * width * upscale**2, RESTORED_SLOTS
        if is_recorded:
            slots = max(slots, min(RECORDED_SLOTS, RECORDED_BYTES // slot_bytes))
        slots *= 1 + pictures  # so that every image of a shot stays as long
        self._ring = Ring.create(self.name, slots, slot_bytes)
        self._count = 0
        self._is_recorded = is_recorded

    def keep(self, image: NDArray[np.float32]) -> RestoredSlot:
        """Copy an image (Y, X) float32 into the next slot, and say which."""
        slot, generation = self._ring.write(self._count, image)
        self._count += 1
        whole = np.ascontiguousarray(image) if self._is_recorded else None
        digest = xxhash.xxh3_64_intdigest(whole.data) if whole is not None else 0
        height, width = image.shape
        return RestoredSlot(self._ring.info, slot, generation, height, width, digest)

    def close(self) -> None:
        """Remove the ring."""
        self._ring.close()


def _work(task: RunTask, link: Link) -> None:
    config = parse(task.config_toml, task.config_name)
    address = link.wait_for_address()
    with StreamClient(address, "worker", "shots", credit=1) as client:
        start = client.start(60.0, keep_waiting=link.check)
        credit = Credit(client, is_stream=start.mode == "stream")
        camera = start.cameras[0]
        is_recorded = config.record.restored and bool(task.out)
        restored: RestoredRing | None = None
        if task.with_window or is_recorded:
            restored = RestoredRing(
                camera.height,
                camera.width,
                is_recorded=is_recorded,
                pictures=pictures_a_shot(config) if task.with_window else 0,
                upscale=finer_pixels(config) if task.with_window else 1,
            )
        with ExitStack() as owned:
            if restored is not None:
                owned.callback(restored.close)
            keep = restored.keep if restored is not None else None
            place = Workplace(config, start, keep, owned, has_viewers=task.with_window)
            memory, pipeline = _remembering(task, start, place)
            link.ready(ring=restored.name if restored is not None else "")
            before_s = time.process_time()
            desk = EchoDesk() if task.echo_shots else None
            if task.sabotage == "delay-decision" and isinstance(pipeline, Pipeline):
                pipeline = Delayed(pipeline.steps)
            _serve(client, pipeline, link, desk, memory, credit)
            cpu_s = time.process_time() - before_s
    link.finished(cpu_s=cpu_s)


def _remembering(
    task: RunTask, start: Start, place: Workplace
) -> tuple[WorkerMemory | None, AnyPipeline]:
    """Return the pipeline, and where what it knows is kept.

    A replay that is to decide the same forgets and recalls where the recorded worker did.
    """
    replay = task.replay
    if replay is not None and replay.pace == "step" and not replay.is_what_if:
        from realtime.run_file import RunReader

        with RunReader(Path(replay.path)) as reader:
            found = restarts(reader.results)
        past = RecordedPast(found)
        return None, Restarting(lambda: place.build(past), past) if found else place.build(past)
    memory = open_memory(task, start.session_id)
    return memory, place.build(memory)


def _serve(
    client: StreamClient,
    pipeline: AnyPipeline,
    link: Link,
    desk: EchoDesk | None,
    memory: WorkerMemory | None,
    credit: Credit,
) -> None:
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection in mid-shot would be the slowest step; it runs between shots
    while not link.stop.is_set():
        got = client.receive(200)
        if got is None:
            gc.collect()
            continue
        message = got[1]
        if isinstance(message, FrameMessage):
            if desk is None or not desk.answer(client, message):
                _see(client, pipeline, message, link, desk, memory)
            credit.used(message.info.seq)
        elif isinstance(message, Gap):
            logger.warning("frames %d to %d never came", message.seq_from, message.seq_to)
        elif isinstance(message, End):
            return
        elif isinstance(message, Start):
            logger.debug("the hub greeted again")


def _see(
    client: StreamClient,
    pipeline: AnyPipeline,
    message: FrameMessage,
    link: Link,
    desk: EchoDesk | None,
    memory: WorkerMemory | None,
) -> None:
    """Look at one frame; with a shot's last frame, answer."""
    info = message.info
    try:
        pipeline.see(info, client.pixels(message))
        client.check(message)
    except FrameLapped as error:
        logger.warning("frame %d: %s", info.seq, error)
        pipeline.forget()
        return
    if not (info.ends_shot and pipeline.has_whole_shot):
        return
    result, decision = pipeline.answer()
    if memory is not None:
        memory.promise(pipeline, result.position)
    client.send(result, decision)
    for flag in pipeline.news(result):
        client.send(Notice("warn", f"shot {result.shot}: {sentence(flag)}"))
    if desk is not None:
        desk.remember(result, decision)
    if result.is_fresh:
        link.answered()
    if memory is not None:
        memory.look(result)
        memory.keep(pipeline, result.position)
        if notices := memory.notices():
            client.send(*notices)
