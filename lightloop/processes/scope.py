"""The scope: the microscope, the guard of its light, the loop, and the hub that tells everybody."""

from __future__ import annotations

import gc
import importlib.metadata
import logging
import time
import uuid
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from acquire.camera import Camera
from acquire.clock import HostClock, SimulatedClock
from acquire.errors import ScopeError
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends
from acquire.light.guard import LightGuard
from acquire.light.port import LightPort
from acquire.loop.burst import in_bursts
from acquire.loop.flow import Flow
from acquire.loop.loop import run as run_loop
from acquire.loop.pause import Pause
from acquire.loop.time_watch import TimeWatch
from acquire.plan.plan import plan_shots
from acquire.sample.record import SampleError
from acquire.simulated.config import SimulatedScopeConfig
from acquire.stand.device_state import device_state
from lightloop.build_focus import build_arrival, build_scope
from lightloop.build_microscope import Microscope, build_microscope
from lightloop.calibrations import references, resolve
from lightloop.config import parse
from lightloop.feedback import Feedback
from lightloop.one_at_a_time import hold_stand
from lightloop.orders import Orders
from lightloop.processes.echo import echo
from lightloop.processes.link import Link, run_child
from lightloop.provenance import networks, processor
from lightloop.reference import Reference
from lightloop.resume import read_unfinished, the_rest
from lightloop.sample import build_ledger, open_sample
from lightloop.summary import Summary, Tally
from lightloop.task import RunTask
from lightloop.validity import decision_valid_s
from lightloop.witness import Witness
from realtime.address import local_address, write_address
from realtime.hub import Hub
from realtime.ring import Ring, new_name
from realtime.wire import AppliedMessage, ClockPair, End, Notice, Reply, Start

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from acquire.clock import Clock
    from acquire.frame import Frame, Shot
    from acquire.loop.loop import Outcome, ShotReport
    from acquire.plan.plan import PlannedShot
    from acquire.settings import Request
    from lightloop.config import RunConfig

logger = logging.getLogger(__name__)

CLOCK_EVERY_S = 10.0
LISTENERS = {"worker", "recorder"}
READY_S = 60.0


def main(
    task_json: bytes,
    supervisor: Connection,
    leases: Connection,
    orders: Connection,
    light: Connection | None,
) -> None:
    """Entry of the process: pipes to the supervisor, the keeper and the simulated light box."""
    keeper = Ends(leases, orders)
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _work(task, link, keeper, light), task.is_verbose)


def _work(task: RunTask, link: Link, keeper: Ends, light: Connection | None) -> None:
    config = resolve(parse(task.config_toml, task.config_name), task.config_name)
    if task.seed >= 0:
        config = with_seed(config, task.seed)
    with hold_stand(config):
        _session(task, config, link, keeper, light)


def _session(
    task: RunTask, config: RunConfig, link: Link, keeper: Ends, light: Connection | None
) -> None:
    clock = _clock(config, link.stop)
    microscope = build_microscope(config, light, clock.now_s)
    if config.loop.mode == "stream" and isinstance(config.scope, SimulatedScopeConfig):
        microscope.core.setProperty(microscope.camera.label, "RealTime", "On")
    session = Session(task, config, microscope, clock, KeeperLink(keeper), link)
    try:
        session.run()
    finally:
        session.close()


def with_seed(config: RunConfig, seed: int) -> RunConfig:
    """Return the config with another seed of the simulated specimen."""
    if not isinstance(config.scope, SimulatedScopeConfig):
        return config
    return config.model_copy(update={"scope": config.scope.model_copy(update={"seed": seed})})


def _clock(config: RunConfig, stop: threading.Event) -> Clock:
    if config.loop.clock == "simulated":
        return SimulatedClock(stop, config.loop.pace_s)
    return HostClock(stop)


class Session:
    """One run of a microscope: its light, its stream, and what becomes of them."""

    def __init__(
        self,
        task: RunTask,
        config: RunConfig,
        microscope: Microscope,
        clock: Clock,
        keeper: KeeperLink,
        link: Link,
    ) -> None:
        self._task, self._config, self._clock, self._link = task, config, clock, link
        self._tally = Tally()
        self._reference = Reference(config)
        self._keeper = keeper
        self._camera_label = microscope.core.getCameraDevice()  # of channels that name none
        self._origin = microscope.origin
        self._clock_due_s, self._counted = 0.0, -1
        self._last: Frame | None = None
        self._cpu_s = 0.0  # of the loop's and the hub's thread; a simulated camera's is not ours
        core = microscope.core
        sources = {source.name: source for source in config.light}
        camera = microscope.camera
        field_um = camera.chip_um  # what is lit is not less where a region is read out
        self._record = open_sample(config, field_um)
        self._ledger = build_ledger(config, field_um, self._record, name=task.config_name)
        self._shots_done = self._go_on(task)
        self._guard = LightGuard(
            LightPort(core, config.light),
            Camera(core, (camera.height, camera.width)),
            keeper,
            self._ledger,
            {c.name: sources[c.light] for c in config.channel},
            {s.name: s.limits.limits() for s in config.light},
            config.guard,
            steps_ms={c.name: c.exposure_step_ms for c in config.channel if c.exposure_step_ms},
            heads_up=self._heads_up,
            where=lambda: self._scope.standing_um(),
            config=task.config_name,
        )
        self._scope = build_scope(config, core)
        self._ring = Ring.create(
            new_name("frames"),
            config.loop.ring_frames,
            2 * camera.height * camera.width,
        )
        start = self._start(microscope)
        self._witness = Witness.of(task, config, microscope.bench, start.session_id)
        self._hub = Hub(
            local_address(Path(task.folder)),
            start,
            self._ring,
            self._obey,
            config.stream.stall_s,
            config.stream.when_full,
        )
        logger.info("others may listen: %s", write_address(Path(task.folder), self._hub.address))
        self._feedback = Feedback(
            self._hub,
            config.first_settings(),
            config.loop.deadline_ms * 1e-3,
            link.stop,
            self._tally,
            lambda what: link.trouble("worker", what),
            decision_valid_s(config),
        )
        self._pause = Pause(self._tell_of_pause, self._rest)
        self._arrive = build_arrival(
            config, core, self._scope, self._guard, self._pause, link.stop.is_set, self._tell
        )
        self._orders = Orders(self._guard, self._pause, self._feedback, self._stop)
        self._time_watch = TimeWatch(self._ask)

    def run(self) -> None:
        """Wait for everybody, run the loop, and say how it ended."""
        self._link.ready(self._hub.address, self._ring.info.name)
        self._link.wait_for_go()
        if not self._hub.wait_for(LISTENERS, READY_S, self._link.check):
            raise ScopeError(f"worker and recorder did not come within {READY_S:.0f} s")
        self._keeper.obey(self._go_dark)
        self._time_watch.start()
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection in mid-shot would be the slowest step; it runs while we wait
        before_s = time.thread_time() + self._hub.cpu_s
        outcome = run_loop(
            self._shots(),
            self._scope,
            self._guard,
            self._clock,
            camera=self._camera_label,
            publish=self._publish,
            next_request=self._next_request,
            report=self._report,
            first=self._feedback.first,
            should_stop=self._link.stop.is_set,
            lose=self._hub.lose,
            has_room=self._hub.has_room,
            pause=self._pause,
            arrive=self._arrive,
            ramp=self._config.loop.ramp(),
            flow=self._flow() if self._config.loop.mode == "stream" else None,
        )
        self._cpu_s = time.thread_time() + self._hub.cpu_s - before_s
        gc.enable()
        last_seq = outcome.last_seq
        if self._task.echo_shots and self._last is not None:
            last_seq = echo(self._hub, self._last, self._task.echo_shots, self._tally)
        self._finish(outcome, last_seq)

    def close(self) -> None:
        """Leave the light off and nothing behind. May be called twice."""
        self._guard.go_dark()
        self._time_watch.close()
        self._hub.close()
        self._ring.close()
        self._keeper.end()
        if self._record is not None:
            self._record.close()
        self._witness.close(is_complete=False)

    def _go_dark(self) -> bool:
        """Go dark for the keeper; where that is gone, the supervisor wants to know of it."""
        is_dark = self._guard.go_dark()
        if is_dark and self._keeper.is_lost:
            self._link.dark()
        return is_dark

    def _go_on(self, task: RunTask) -> int:
        """Book the light of the run that is gone on with; return how many shots it began."""
        if not task.goes_on_with:
            return 0
        unfinished = read_unfinished(Path(task.goes_on_with))
        if self._record is None:  # a sample's record holds it already
            unfinished.book(self._ledger)
        return unfinished.shots

    def _shots(self) -> Iterator[PlannedShot]:
        origin = self._scope.position_um()
        audit_every = self._config.loop.audit_every_shots
        shots = plan_shots(self._config.sequence(), origin, audit_every)
        shots = islice(the_rest(shots, self._shots_done), self._task.max_shots or None)
        n_frames = self._config.loop.burst_frames
        return (in_bursts(shot, n_frames) for shot in shots) if n_frames > 1 else shots

    def _heads_up(self) -> None:
        self._hub.heads_up()
        self._keeper.heads_up()

    def _publish(self, frame: Frame) -> None:
        self._hub.publish(frame.info, frame.pixels)
        self._reference.add(frame.info)
        self._witness.frame(frame.info)
        self._last = frame

    def _flow(self) -> Flow:
        """Return what the loop needs where it waits for nobody."""
        return Flow(
            newest=self._newest_request,
            should_rest=lambda: bool(self._hub.recorder_trouble()),
            rest=self._feedback.wait_for_recorder,
            lag_frames=self._config.loop.lag_frames,
        )

    def _newest_request(self, shot: Shot, wait_s: float) -> Request:
        self._count(shot)
        request = self._feedback.newest_request(shot, wait_s)
        self._witness.rest()
        return request

    def _count(self, shot: Shot) -> None:
        """Count a shot; now and then, tell what time it is on every clock."""
        self._tally.shots += shot.number != self._counted
        self._counted = shot.number
        now_s = time.monotonic()
        if now_s >= self._clock_due_s:  # while the worker thinks
            self._clock_due_s = now_s + CLOCK_EVERY_S
            gc.collect()
            self._hub.send(ClockPair(time.perf_counter_ns(), time.time_ns(), self._clock.now_s()))

    def _next_request(self, shot: Shot) -> Request:
        self._count(shot)
        request = self._feedback.next_request(shot)
        self._witness.rest()
        self._feedback.wait_for_recorder()
        return request

    def _report(self, report: ShotReport) -> None:
        if report.latency_ns:
            self._tally.add_latency("host to devices", report.latency_ns)
        self._hub.send(
            AppliedMessage(
                report.shot.number,
                report.decision_id,
                report.first_seq,
                report.applied,
                report.latency_ns,
                report.refused,
                report.stale,
            )
        )

    def _obey(self, name: str) -> Reply:
        """Do what a person asks; called in the usher's thread, which never exposes."""
        return self._orders.obey(name)

    def _tell(self, what: str) -> None:
        logger.warning("%s", what)
        self._hub.send(Notice("warn", what, time.perf_counter_ns()))

    def _ask(self, what: str) -> None:
        text, is_dark = self._orders.ask(what)
        self._notice("warn" if is_dark else "fault", text)

    def _tell_of_pause(self, reason: str) -> None:
        self._notice("pause" if reason else "go on", reason or "the run goes on")

    def _rest(self, reason: str) -> None:
        """Take every light's power too while the run waits, and say whether it is dark."""
        if self._guard.all_dark():
            self._notice("paused", f"{reason}; {self._guard.dark_text()}")
        else:
            self._notice("fault", f"{reason}; the light is NOT known to be off")

    def _notice(self, level: str, text: str) -> None:
        self._hub.send(Notice(level, text, time.perf_counter_ns()))

    def _stop(self, reason: str) -> None:
        self._link.reason = self._link.reason or reason
        self._link.stop.set()

    def _finish(self, outcome: Outcome, last_seq: int) -> None:
        is_dark = self._guard.all_dark() and outcome.is_dark
        self._keep_record()
        # A light that nobody stopped but that is stopped: the keeper did it, or went.
        was_revoked = self._guard.is_stopped and not self._link.stop.is_set()
        was_revoked = was_revoked or self._keeper.is_lost
        is_orderly = outcome.error is None and not self._link.is_orphan and not was_revoked
        was_stopped = self._link.stop.is_set() and not outcome.is_complete
        reason = self._link.reason if was_stopped and not outcome.error else outcome.reason
        is_orderly = is_orderly and not self._orders.is_aborted
        status = "complete" if is_orderly and is_dark else "partial"
        dose = self._ledger.totals()
        if outcome.error is not None:
            self._hub.send(Notice("fault", str(outcome.error), time.perf_counter_ns()))
        for text in self._witness.close(is_complete=status == "complete"):
            self._hub.send(Notice("warn", text, time.perf_counter_ns()))
        end = End(last_seq, outcome.n_frames, self._hub.gaps, status, reason, is_dark, dose)
        if not self._hub.finish(end):
            logger.warning("the recorder did not take everything; its file may be partial")
        self._link.finished(
            Summary(
                frames=outcome.n_frames,
                shots=self._tally.shots,
                gaps=self._hub.gaps,
                late=self._tally.late,
                dose=dose,
                reference_dose=self._reference.dose,
                dose_unit=self._dose_unit,
                latency_ms=self._tally.latencies(),
                status=status
                if outcome.error is None and is_dark and not was_revoked
                else "failed",
                reason=reason,
                is_dark=is_dark,
                divisions=self._tally.divisions,
                cells=self._tally.cells,
                confirmed=self._tally.confirmed,
                origin=self._origin,
                cell_px=self._tally.cell_px,
                samples_ms=self._tally.samples() if self._task.measures_usage else {},
            ),
            self._cpu_s,
        )

    def _keep_record(self) -> None:
        """Write what the sample took; until then it stands in the record's journal."""
        if self._record is None:
            return
        try:
            self._record.save(self._ledger.maps)
        except SampleError as error:
            logger.warning("%s (nothing is lost: it was written down as it was given)", error)

    @property
    def _dose_unit(self) -> str:
        return "J/cm2" if all(light.is_calibrated for light in self._config.light) else "relative"

    def _start(self, microscope: Microscope) -> Start:
        config = self._config
        return Start(
            session_id=str(uuid.uuid4()),
            t_ns=time.perf_counter_ns(),
            t_utc_ns=time.time_ns(),
            cameras=microscope.cameras,
            ring=self._ring.info,
            settings=config.first_settings(),
            config_toml=self._task.config_toml,
            plan_json=config.sequence().model_dump_json(exclude_unset=True),
            origin=microscope.origin,
            software=f"lightloop {importlib.metadata.version('lightloop')}",
            dose_unit=self._dose_unit,
            budget_j_cm2={s.name: s.limits.budget_j_cm2 for s in config.light},
            mode=config.loop.mode,
            goes_on_with=self._task.goes_on_with,
            calibrations=references(config),
            devices=device_state(microscope.core),
            models=networks(config),
            processor=processor(),
        )
