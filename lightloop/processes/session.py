"""A session: one run of a microscope, with the guard of its light and the hub that tells all."""

from __future__ import annotations

import gc
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.errors import ScopeError
from acquire.loop.loop import run as run_loop
from acquire.loop.pause import Pause
from acquire.loop.standstill import Standstill
from acquire.loop.time_watch import TimeWatch
from lightloop.build.focus import build_arrival, build_scope
from lightloop.build.witness import Witness
from lightloop.feedback import Feedback
from lightloop.orders import Orders
from lightloop.processes.echo import echo
from lightloop.processes.session_end import SAVED_S, judge, summarise
from lightloop.processes.session_frames import Frames
from lightloop.processes.session_requests import Requests
from lightloop.processes.session_start import (
    book_what_was,
    build_guard,
    dose_unit,
    first_message,
    planned,
)
from lightloop.processes.session_voice import Voice
from lightloop.sample.account import build_ledger, keep_record, open_sample
from lightloop.summary import Tally
from lightloop.validity import decision_valid_s
from realtime.hub import Hub
from realtime.ring import Ring, new_name
from realtime.stream.address import local_address, write_address
from realtime.wire import End, Reply

if TYPE_CHECKING:
    from acquire.clock import Clock
    from acquire.keeper.link import KeeperLink
    from acquire.loop.loop import Outcome
    from lightloop.build.microscope import Microscope
    from lightloop.config import RunConfig
    from lightloop.processes.link import Link
    from lightloop.task import RunTask

logger = logging.getLogger(__name__)

LISTENERS = {"worker", "recorder"}
READY_S = 60.0


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
        self._keeper = keeper
        self._camera_label = microscope.core.getCameraDevice()  # of channels that name none
        self._origin = microscope.origin
        self._cpu_s = 0.0  # of the loop's and the hub's thread; a simulated camera's is not ours
        self._core = microscope.core
        field_um = microscope.camera.chip_um  # what is lit is not less where a region is read out
        self._record = open_sample(config, field_um)
        self._ledger = build_ledger(config, field_um, self._record, name=task.config_name)
        self._shots_done = book_what_was(task, self._ledger, is_booked=self._record is not None)
        self._guard = build_guard(
            config,
            microscope,
            keeper,
            self._ledger,
            heads_up=self._heads_up,
            where=lambda: self._scope.standing_um(),
            name=task.config_name,
        )
        self._scope = build_scope(config, self._core)
        self._begin_stream(microscope)
        self._wire_up()

    def _begin_stream(self, microscope: Microscope) -> None:
        """Let everybody hear and see, from the first message on."""
        task, config, camera = self._task, self._config, microscope.camera
        pixels_bytes = 2 * camera.height * camera.width
        self._ring = Ring.create(new_name("frames"), config.loop.ring_frames, pixels_bytes)
        start = first_message(task, config, microscope, self._ring.info)
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

    def _wire_up(self) -> None:
        """Make what stands between the loop and those who speak: the worker, and people."""
        config, link = self._config, self._link
        self._frames = Frames(self._hub, config, self._witness)
        self._voice = Voice(self._hub, self._guard, self._tally)
        self._feedback = Feedback(
            self._hub,
            config.first_settings(),
            config.loop.deadline_ms * 1e-3,
            link.stop,
            self._tally,
            lambda what: link.trouble("worker", what),
            decision_valid_s(config),
        )
        self._requests = Requests(
            self._feedback, self._hub, self._witness, self._tally, self._clock
        )
        self._pause = Pause(self._voice.tell_of_pause, self._voice.tell_of_rest)
        self._arrive = build_arrival(
            config,
            self._core,
            self._scope,
            self._guard,
            self._pause,
            link.stop.is_set,
            self._voice.warn,
        )
        self._orders = Orders(self._guard, self._pause, self._feedback, self._stop)
        self._time_watch = TimeWatch(self._ask, also=Standstill(self._guard, link.failed).look)

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
            planned(self._task, self._config, self._scope.position_um(), after=self._shots_done),
            self._scope,
            self._guard,
            self._clock,
            camera=self._camera_label,
            publish=self._frames.publish,
            next_request=self._requests.next_request,
            report=self._voice.report,
            first=self._feedback.first,
            should_stop=self._link.stop.is_set,
            lose=self._hub.lose,
            has_room=self._hub.has_room,
            pause=self._pause,
            arrive=self._arrive,
            ramp=self._config.loop.ramp(),
            flow=self._requests.flow(self._config.loop.lag_frames)
            if self._config.loop.mode == "stream"
            else None,
        )
        self._cpu_s = time.thread_time() + self._hub.cpu_s - before_s
        gc.enable()
        last_seq = outcome.last_seq
        self._feedback.book()
        if self._task.echo_shots and self._frames.last is not None:
            last_seq = echo(self._hub, self._frames.last, self._task.echo_shots, self._tally)
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

    def _heads_up(self) -> None:
        self._hub.heads_up()
        self._keeper.heads_up()

    def _obey(self, name: str) -> Reply:
        """Do what a person asks; called in the usher's thread, which never exposes."""
        return self._orders.obey(name)

    def _ask(self, what: str) -> None:
        text, is_dark = self._orders.ask(what)
        self._voice.say("warn" if is_dark else "fault", text)

    def _stop(self, reason: str) -> None:
        self._link.reason = self._link.reason or reason
        self._link.stop.set()

    def _finish(self, outcome: Outcome, last_seq: int) -> None:
        is_dark = self._guard.all_dark() and outcome.is_dark
        keep_record(self._record, self._ledger)
        ending = judge(
            outcome,
            self._link,
            is_dark=is_dark,
            is_light_stopped=self._guard.is_stopped,
            is_keeper_lost=self._keeper.is_lost,
            is_aborted=self._orders.is_aborted,
        )
        dose = self._ledger.totals()
        if outcome.error is not None:
            self._voice.say("fault", str(outcome.error))
        for text in self._witness.close(is_complete=ending.status == "complete"):
            self._voice.say("warn", text)
        end = End(
            last_seq,
            outcome.n_frames,
            self._hub.gaps,
            ending.status,
            ending.reason,
            is_dark,
            dose,
        )
        ending = ending.as_saved(is_whole=self._hub.finish(end, SAVED_S))
        summary = summarise(
            outcome,
            ending,
            self._tally,
            gaps=self._hub.gaps,
            dose=dose,
            reference_dose=self._frames.reference_dose,
            dose_unit=dose_unit(self._config),
            origin=self._origin,
            has_samples=self._task.measures_usage,
        )
        self._link.finished(summary, self._cpu_s)
