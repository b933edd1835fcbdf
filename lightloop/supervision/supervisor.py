"""The supervisor: it starts, watches and stops the processes of a run. Only it hears Ctrl-C.

What it does when a process dies is the table of the blueprint, section 2: the scope's or the
keeper's death ends the run in the dark; worker and recorder are started again, at most three times
a minute; nobody waits for the window.
"""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lightloop.config import parse
from lightloop.log import unblocked
from lightloop.processes.link import Go, Stop
from lightloop.supervision.awake import awake_for
from lightloop.supervision.beginning import start_scope, sweep
from lightloop.supervision.children import READY_S, Child, Family
from lightloop.supervision.heard import Heard
from lightloop.supervision.interrupts import hearing
from lightloop.supervision.lights_out import LightsOut
from lightloop.supervision.outcome import Outcome, Verdict
from lightloop.supervision.usage import UsageMeter

if TYPE_CHECKING:
    from lightloop.task import RunTask

__all__ = ["Outcome", "Supervisor", "supervise"]

logger = logging.getLogger(__name__)

LAST_WORDS_S = 10.0
WINDOW_S = 5.0  # a window that has not subscribed by then misses the beginning
KEEPERLESS_S = 3.0  # proposed: how long a scope may take to stop that nobody watches over
TICK_S = 0.2


def supervise(task: RunTask) -> Outcome:
    """Run a task to its end, in a private folder that is gone afterwards.

    Raises
    ------
    ConfigError
        If the config cannot be understood; no process was started then.
    """
    config = parse(task.config_toml, task.config_name)
    folder = Path(tempfile.mkdtemp(prefix="lightloop-"))  # 0700, so the sockets in it are private
    try:
        # A run is always recorded, if only for its length; a replay has its record already.
        out = task.out or ("" if task.replay is not None else str(folder / "run.h5"))
        task = msgspec.structs.replace(task, folder=str(folder), out=out)
        keeps = awake_for(config) if task.replay is None else contextlib.nullcontext()
        with unblocked(), keeps:
            return Supervisor(task).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Supervisor:
    """One run and its processes."""

    def __init__(self, task: RunTask) -> None:
        self._task = task
        self._family = Family(task)
        self._main = "player" if task.replay is not None else "scope"
        self._verdict = Verdict()
        self._heard = Heard(task, self._family, self._verdict, self._stop, self._is_ending)
        self._lights = LightsOut(self._family, self._verdict, self._heard.drain)
        self._stop_reason = ""
        self._stop_by_s = math.inf
        self._ready_since_s = math.inf
        self._interrupts = 0
        self._interrupted_by = "Ctrl-C"
        self._usage = UsageMeter()

    def run(self) -> Outcome:
        """Start everybody, watch until the run is over, and leave nothing behind."""
        with hearing(self._interrupt):
            try:
                self._start()
                self._watch()
            except Exception as error:  # whatever it is: it is told how the light ended
                self._fail(error)
            finally:
                try:
                    self._leave_nothing()
                except Exception as error:
                    self._fail(error)
                    self._lights.wait_no_more(was_lit=self._heard.has_gone)
        return self._outcome()

    def _fail(self, error: Exception) -> None:
        logger.error("unexpected", exc_info=error)
        self._verdict.blame(f"unexpected {type(error).__name__}: {error}")

    def _start(self) -> None:
        family, task = self._family, self._task
        if self._main == "player":
            family.start("player")
        else:
            config = parse(task.config_toml, task.config_name)
            self._lights.light = start_scope(family, config, self._lights.pulse)
        family.start("worker")
        if task.out:
            family.start("recorder")
        if task.with_window:
            family.start("window")

    def _watch(self) -> None:
        until_ready = time.monotonic() + READY_S
        while not self._is_over():
            self._listen()
            if self._task.measures_usage:
                self._usage.look(self._family.pids())
            if not self._heard.has_gone:
                self._go_when_ready(until_ready)
            if self._interrupts and not self._stop_reason:
                self._stop(f"stopped by {self._interrupted_by}")
            if self._interrupts > 1:
                self._verdict.problem = "stopped at once by a second Ctrl-C"
                return
            if time.monotonic() > self._stop_by_s:
                has_begun = self._heard.has_gone
                if has_begun or not self._verdict.problem:  # else why it never began is said
                    self._verdict.problem = f"the {self._main} did not stop: {self._stop_reason}"
                return

    def _listen(self) -> None:
        children = list(self._family.children.values())
        alive = [child for child in children if child.is_alive]
        self._lights.wait([end for c in alive for end in (c.pipe, c.process.sentinel)], TICK_S)
        for child in children:
            was_alive = child.is_alive
            self._heard.drain(child)
            if not was_alive:
                self._bury(child)

    def _bury(self, child: Child) -> None:
        was_blamed = bool(child.failure)
        self._heard.bury(child)
        if child.name == "keeper" and child.failure and not was_blamed:
            # Also where a stop was asked for before, with more patience.
            self._stop_by_s = min(self._stop_by_s, time.monotonic() + KEEPERLESS_S)

    def _go_when_ready(self, until: float) -> None:
        now_s = time.monotonic()
        if self._heard.address is not None and self._family.are_ready(
            "light", "keeper", "worker", "recorder"
        ):
            self._ready_since_s = min(self._ready_since_s, now_s)
            if not self._family.are_ready("window") and now_s < self._ready_since_s + WINDOW_S:
                return
            self._heard.has_gone = True
            self._family.tell_all(Go(self._heard.address), self._main)
        elif time.monotonic() > until and not self._stop_reason:
            slow = [n for n, c in self._family.children.items() if not c.is_ready]
            self._verdict.problem = (
                f"the run did not begin: after {READY_S:.0f} s these parts of it were not ready: "
                f"{', '.join(slow)}; is this computer busy? Close other programs and try again"
            )
            self._stop(self._verdict.problem)

    def _stop(self, reason: str) -> None:
        """Ask for an end in order: the scope goes dark and says so, the others follow it."""
        if self._stop_reason:
            return
        self._stop_reason = reason
        self._stop_by_s = time.monotonic() + self._patience_s()
        self._family.tell_all(Stop(reason), self._main)
        if not self._heard.has_gone:
            self._family.tell_all(Stop(reason), *self._family.children)

    def _patience_s(self) -> float:
        """Return how long the scope may take to stop: it may be in the longest exposure."""
        keeper = self._family.children.get("keeper")
        if keeper is not None and not keeper.is_alive:
            return KEEPERLESS_S
        config = parse(self._task.config_toml, self._task.config_name)
        return LAST_WORDS_S + 2e-3 * max(light.limits.max_exposure_ms for light in config.light)

    def _is_ending(self) -> bool:
        main = self._family.children[self._main]
        return bool(self._stop_reason) or main.has_finished or not main.is_alive

    def _is_over(self) -> bool:
        main = self._family.children[self._main]
        window = self._family.children.get("window")
        if main.is_alive and not main.has_finished:
            return False
        is_watched = window is not None and window.is_alive
        # Else a person looks at the end of the run, until the window is closed.
        return not is_watched or bool(self._stop_reason) or self._task.ends_with_run

    def _leave_nothing(self) -> None:
        """Let everybody end, in the order of the light; kill who does not."""
        family, patience = self._family, 0.5 if self._interrupts > 1 else LAST_WORDS_S
        main = family.children.get(self._main)
        if main is not None:
            main.tell(Stop(self._stop_reason or "the run is over"))
            is_late = time.monotonic() >= self._stop_by_s
            self._lights.wait_for(main, 0.0 if is_late else patience)
            self._heard.drain(main)
            if not main.is_alive:
                self._heard.bury(main)
            main.end(0.0)
            self._lights.take_over()
        recorder = family.children.get("recorder")
        if recorder is not None:
            if main is None or not main.has_finished:
                recorder.tell(Stop("the scope is gone"))
            self._lights.wait_for(recorder, patience)  # it has the last words, or what was saved
        for child in family.children.values():
            if child is not main:
                child.tell(Stop(self._stop_reason or "the run is over"))
        for name in ("recorder", "worker", "window"):
            if name in family.children:
                self._lights.wait_for(family.children[name], patience)
                self._heard.drain(family.children[name])  # what it cost, or why it failed
                family.children[name].end(0.0)
        if "keeper" in family.children:  # the last who can still turn the light off: it has time
            self._lights.wait_for_the_keeper(was_lit=self._heard.has_gone)
        self._lights.look()
        if "light" in family.children:
            family.children["light"].end(patience)
        for ring in self._heard.rings:
            sweep(ring)

    def _outcome(self) -> Outcome:
        code, reason = self._verdict.told(self._stop_reason, is_interrupted=bool(self._interrupts))
        usage = tuple(self._usage.samples)
        return Outcome(code, self._verdict.summary, reason, usage, self._heard.cpu_s)

    def _interrupt(self, name: str) -> None:
        self._interrupts += 1
        self._interrupted_by = name
