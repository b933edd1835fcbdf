"""The player: a run file in the microscope's place. Worker, recorder and window cannot tell."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from lightloop.build.pipeline import load_package
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.provenance import networks, processor
from lightloop.summary import Summary, Tally
from lightloop.task import ReplayTask, RunTask
from realtime.errors import StreamError
from realtime.hub import Hub
from realtime.player import play, replay_start
from realtime.replay.agreement import tolerance
from realtime.replay.verify import Verifier, verdict
from realtime.replay.what_if import Proposals
from realtime.ring import Ring, new_name
from realtime.run_file import RunReader
from realtime.stream.address import local_address, write_address
from realtime.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from lightloop.config import RunConfig
    from realtime.player import Played
    from realtime.policy.decision import Decision
    from realtime.replay.agreement import Tolerance
    from realtime.replay.pace import Pace
    from realtime.wire import Result

logger = logging.getLogger(__name__)

READY_S = 30.0
LOOK_S = 0.05


def main(task_json: bytes, supervisor: Connection) -> None:
    """Entry of the process."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _work(task, link), task.is_verbose)


def _work(task: RunTask, link: Link) -> None:
    replay = task.replay
    assert replay is not None, "the player plays a replay"
    config = parse(task.config_toml, task.config_name)
    with RunReader(Path(replay.path)) as reader:
        camera = reader.start.cameras[0]
        ring = Ring.create(
            new_name("frames"),
            config.loop.ring_frames,
            2 * camera.height * camera.width,
        )
        mode = "event" if replay.pace == "step" or replay.verify else ""

        def obey(name: str) -> Reply:
            if name == "stop":
                link.reason = "stopped by the window"
                link.stop.set()
            # A recording has no light: it is dark, whatever was asked.
            return Reply(name, is_ok=True, text="a replay gives no light", is_dark=True)

        start = replay_start(
            reader,
            ring.info,
            mode=mode,
            label=replay.label,
            config_toml=task.config_toml,
            models=networks(config),
            processor=processor(),
        )
        with ring, Hub(local_address(Path(task.folder)), start, ring, obey) as hub:
            logger.info("others may listen: %s", write_address(Path(task.folder), hub.address))
            link.ready(hub.address, ring.info.name)
            link.wait_for_go()
            if not hub.wait_for({"worker"}, READY_S, link.check):
                raise StreamError(f"the worker did not come within {READY_S:.0f} s")
            _wait_for_clients(hub, replay.clients, link)
            link.finished(_play(reader, hub, replay, link, _allowed(reader, config)))


def _wait_for_clients(hub: Hub, count: int, link: Link) -> None:
    """Stand still until so many listeners besides the worker are there."""
    if not count:
        return
    logger.info("the replay begins when %d listeners are there", count)
    while len(hub.present() - {"worker"}) < count and not link.stop.wait(LOOK_S):
        pass


def _allowed(reader: RunReader, config: RunConfig) -> Callable[[str, str], Tolerance | None]:
    """Return what this machine's answers may differ by from the recorded ones."""
    rms = (
        load_package(config.network.denoise).manifest.tolerance_rms
        if config.network.denoise
        else {}
    )
    processors = (reader.start.processor, processor())
    read_noise_e = reader.start.cameras[0].calibration.read_noise_e
    return lambda recorded, replayed: tolerance(recorded, replayed, processors, rms, read_noise_e)


def _play(
    reader: RunReader,
    hub: Hub,
    replay: ReplayTask,
    link: Link,
    allow: Callable[[str, str], Tolerance | None],
) -> Summary:
    tally = Tally()
    verifier = Verifier(reader, allow) if replay.verify else None
    differences: list[str] = []
    proposals = Proposals() if replay.is_what_if else None

    def take(result: Result, decision: Decision) -> None:
        tally.add_answer(result, decision)
        if proposals is not None:
            proposals.take(decision)
        difference = verifier.compare(result, decision) if verifier is not None else None
        if difference is not None and not differences:
            differences.append(str(difference))
            link.stop.set()

    pace: Pace = replay.speed if replay.pace == "real-time" else "max"
    if replay.pace == "step" or verifier is not None:
        pace = "step"
    began_ns = time.perf_counter_ns()
    played = play(
        reader,
        hub,
        pace,
        on_decision=take,
        judged_only=verifier is not None,
        first=replay.first,
        last=replay.last,
        wait=link.stop.wait,
    )
    tally.add_latency("whole replay", time.perf_counter_ns() - began_ns)
    summary = _summary(reader, played, tally, differences, verifier, link, replay)
    if proposals is not None:
        summary = replace(summary, what_if_dose=proposals.doses(reader.infos))
    return summary


def _summary(
    reader: RunReader,
    played: Played,
    tally: Tally,
    differences: list[str],
    verifier: Verifier | None,
    link: Link,
    replay: ReplayTask,
) -> Summary:
    origin = f"replay of {reader.name}" + (f", {replay.label}" if replay.label else "")
    which = "every frame" if replay.first == 0 and replay.last < 0 else f"{played.n_frames} frames"
    status, reason = "complete", f"{origin}: {which} played"
    if differences:
        status, reason = "failed", differences[0]
    elif played.was_stopped:
        status, reason = "partial", link.reason or "the replay was stopped"
    elif verifier is not None:
        is_confirmed, reason = verdict(verifier)
        status = "complete" if is_confirmed else "failed"
    dose: dict[str, float] = {}
    for info in reader.infos:
        dose[info.applied.light] = dose.get(info.applied.light, 0.0) + info.applied.dose_j_cm2
    return Summary(
        frames=played.n_frames,
        shots=played.n_shots,
        gaps=len(reader.gaps) + played.n_lost,
        late=0,
        dose=dose,
        reference_dose={},
        dose_unit=reader.start.dose_unit,
        latency_ms=tally.latencies(),
        status=status,
        reason=reason,
        is_dark=True,
        divisions=tally.divisions,
        cells=tally.cells,
        confirmed=tally.confirmed,
        origin=origin,
    )
