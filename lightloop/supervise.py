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
import signal
import tempfile
import time
from multiprocessing.connection import wait
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import psutil

from acquire.errors import ScopeError
from acquire.keeper.pipes import make_pipes
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.children import READY_S, SPAWN, Child, Family
from lightloop.config import parse
from lightloop.log import unblocked
from lightloop.processes.link import Finished, FromChild, Go, Ready, Stop, Trouble
from lightloop.status import DONE, FAILED, INTERRUPTED, NOT_DARK
from lightloop.summary import Summary
from lightloop.usage import Sample, UsageMeter
from realtime.ring import remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection
    from types import FrameType

    from lightloop.task import RunTask
    from realtime.address import Address

logger = logging.getLogger(__name__)

LAST_WORDS_S = 10.0
WINDOW_S = 5.0  # a window that has not subscribed by then misses the beginning
KEEPERLESS_S = 3.0  # proposed: how long a scope may take to stop that nobody watches over
KEEPER_S = 40.0  # longer than the keeper itself goes on trying
TICK_S = 0.2
NOBODY = 2**22 + 1  # above every process number of Linux: a keeper without an owner to kill


class Outcome(NamedTuple):
    """How a run ended: exit status of the command, its numbers, and why in one sentence.

    `usage` holds what the processes cost, if the task asked for it; `cpu_s` the processor time of
    the work alone, by process.
    """

    exit_code: int
    summary: Summary | None
    reason: str
    usage: tuple[Sample, ...] = ()
    cpu_s: Mapping[str, float] = MappingProxyType({})


def supervise(task: RunTask) -> Outcome:
    """Run a task to its end, in a private folder that is gone afterwards.

    Raises
    ------
    ConfigError
        If the config cannot be understood; no process was started then.
    """
    parse(task.config_toml, task.config_name)
    folder = Path(tempfile.mkdtemp(prefix="lightloop-"))  # 0700, so the sockets in it are private
    try:
        # A run is always recorded, if only for its length; a replay has its record already.
        out = task.out or ("" if task.replay is not None else str(folder / "run.h5"))
        task = msgspec.structs.replace(task, folder=str(folder), out=out)
        with unblocked():
            return Supervisor(task).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Supervisor:
    """One run and its processes."""

    def __init__(self, task: RunTask) -> None:
        self._task = task
        self._family = Family(task)
        self._main = "player" if task.replay is not None else "scope"
        self._address: Address | None = None
        self._rings: list[str] = []
        self._summary: Summary | None = None
        self._problem = ""
        self._may_be_lit = False
        self._stop_reason = ""
        self._stop_by_s = math.inf
        self._ready_since_s = math.inf
        self._interrupts = 0
        self._interrupted_by = "Ctrl-C"
        self._has_gone = False
        self._light: Connection | None = None
        self._usage = UsageMeter()
        self._cpu_s: dict[str, float] = {}

    def run(self) -> Outcome:
        """Start everybody, watch until the run is over, and leave nothing behind."""
        with self._listening_for_interrupts():
            try:
                self._start()
                self._watch()
            finally:
                self._leave_nothing()
        return self._outcome()

    def _start(self) -> None:
        task, family = self._task, self._family
        if self._main == "player":
            family.start("player")
        else:
            config = parse(task.config_toml, task.config_name)
            scope_light = keeper_light = None
            if isinstance(config.scope, SimulatedScopeConfig):
                self._light, box_a = SPAWN.Pipe()
                scope_light, box_b = SPAWN.Pipe()
                keeper_light, box_c = SPAWN.Pipe()
                family.start("light", [box_a, box_b, box_c])
            ours, theirs = make_pipes()
            scope = family.start("scope", ours.leases, ours.orders, scope_light)
            family.start("keeper", theirs.leases, theirs.orders, keeper_light, scope.process.pid)
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
            if not self._has_gone:
                self._go_when_ready(until_ready)
            if self._interrupts and not self._stop_reason:
                self._stop(f"stopped by {self._interrupted_by}")
            if self._interrupts > 1:
                self._problem = "stopped at once by a second Ctrl-C"
                return
            if time.monotonic() > self._stop_by_s:
                self._problem = f"the {self._main} did not stop: {self._stop_reason}"
                return

    def _listen(self) -> None:
        children = list(self._family.children.values())
        wait([c.pipe for c in children if c.is_alive] + [c.process.sentinel for c in children
             if c.is_alive], TICK_S)  # fmt: skip
        for child in children:
            was_alive = child.is_alive
            while (message := child.hear()) is not None:
                self._note(child, message)
            if not was_alive:
                self._bury(child)

    def _note(self, child: Child, message: FromChild) -> None:
        if isinstance(message, Ready):
            child.is_ready = True
            if message.ring:
                self._rings.append(message.ring)
            if message.address is not None:
                self._address = message.address
                self._family.tell_all(Go(self._address), "worker", "recorder", "window")
        elif isinstance(message, Finished):
            child.has_finished = True
            self._cpu_s[child.name] = message.cpu_s
            if message.summary:
                self._summary = msgspec.json.decode(message.summary, type=Summary)
            if child.name == "window" and self._task.ends_with_window:
                self._stop("the window was closed")
        elif isinstance(message, Trouble):
            silent = self._family.children.get(message.name)
            if silent is not None and silent.is_due and not self._is_ending():
                logger.warning("%s: %s; it is stopped", message.name, message.what)
                silent.process.kill()  # and started again when it is buried
        else:
            child.failure = message.reason
            self._may_be_lit |= message.may_be_lit
            if child.name == "keeper":  # the light may be on: nothing is more important
                self._problem = f"{message.reason} ({self._problem or 'the run had ended'})"
                self._stop(message.reason)
            elif child.name != "window":
                self._problem = self._problem or message.reason
                self._stop(message.reason)
            else:
                logger.warning("the window: %s", message.reason)
                if self._task.screenshot:  # that was asked for
                    self._problem = self._problem or message.reason

    def _bury(self, child: Child) -> None:
        """Do what the table says about a process that is no more."""
        if child.has_finished or child.failure or child.name not in self._family.children:
            return
        what = f"the {child.name} process died (exit status {child.process.exitcode})"
        if child.name in ("worker", "recorder") and self._has_gone and not self._is_ending():
            if self._family.restart(child.name, self._address):
                logger.warning("%s; it is started again", what)
                return
            what += ", too often to start it again"
        child.failure = what
        if child.name == "window":
            logger.warning("%s; the run goes on without it", what)
        else:
            self._problem = self._problem or what
            self._stop(what)
            if child.name == "keeper":  # also where a stop was asked for before, with more patience
                self._stop_by_s = min(self._stop_by_s, time.monotonic() + KEEPERLESS_S)

    def _go_when_ready(self, until: float) -> None:
        now_s = time.monotonic()
        if self._address is not None and self._family.are_ready(
            "light", "keeper", "worker", "recorder"
        ):
            self._ready_since_s = min(self._ready_since_s, now_s)
            if not self._family.are_ready("window") and now_s < self._ready_since_s + WINDOW_S:
                return
            self._has_gone = True
            self._family.tell_all(Go(self._address), self._main)
        elif time.monotonic() > until and not self._stop_reason:
            slow = [n for n, c in self._family.children.items() if not c.is_ready]
            self._problem = f"not ready within {READY_S:.0f} s: {', '.join(slow)}"
            self._stop(self._problem)

    def _stop(self, reason: str) -> None:
        """Ask for an end in order: the scope goes dark and says so, the others follow it."""
        if self._stop_reason:
            return
        self._stop_reason = reason
        self._stop_by_s = time.monotonic() + self._patience_s()
        self._family.tell_all(Stop(reason), self._main)
        if not self._has_gone:
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
            main.process.join(patience if time.monotonic() < self._stop_by_s else 0.0)
            self._drain(main)
            if not main.is_alive:
                self._bury(main)
            main.end(0.0)
            self._wake_the_keeper()
            self._replace_a_dead_keeper()
        recorder = family.children.get("recorder")
        if recorder is not None:
            if main is None or not main.has_finished:
                recorder.tell(Stop("the scope is gone"))
            recorder.process.join(patience)  # it has the hub's last words, or what was saved
            self._drain(recorder)
        for child in family.children.values():
            if child is not main:
                child.tell(Stop(self._stop_reason or "the run is over"))
        for name in ("recorder", "worker", "window"):
            if name in family.children:
                family.children[name].end(patience)
        if "keeper" in family.children:  # the last who can still turn the light off: it has time
            self._wait_for_the_keeper(family.children["keeper"])
        if self._light is not None:
            self._look_at_the_light(self._light)
        if "light" in family.children:
            family.children["light"].end(patience)
        for ring in self._rings:
            self._remove_ring(ring)

    def _remove_ring(self, ring: str) -> None:
        """Remove what a dead process left; that it fails must not hide how the run ended."""
        try:
            if remove(ring):
                logger.debug("removed the ring %s that a dead process left", ring)
        except OSError as error:
            logger.warning("shared memory %s is left behind: %s", ring, error)

    def _wake_the_keeper(self) -> None:
        """Let a keeper go on that somebody stopped, a debugger or a signal: its owner is gone."""
        keeper = self._family.children.get("keeper")
        if keeper is not None and keeper.is_alive:
            with contextlib.suppress(psutil.Error):  # it has just ended
                psutil.Process(keeper.process.pid).resume()

    def _wait_for_the_keeper(self, keeper: Child) -> None:
        """Let the keeper end; where it stands still for good, another one does its work."""
        keeper.process.join(KEEPER_S)
        self._drain(keeper)
        if keeper.is_alive and not keeper.has_finished:
            keeper.process.kill()
            keeper.process.join()
            self._replace_a_dead_keeper()
            keeper = self._family.children["keeper"]
            keeper.process.join(KEEPER_S)
            self._drain(keeper)
        keeper.end(0.0)

    def _replace_a_dead_keeper(self) -> None:
        """Start another keeper where the first has died: it finds its owner gone, and goes dark."""
        keeper = self._family.children.get("keeper")
        if keeper is None or keeper.is_alive or keeper.has_finished:
            return
        if self._light is not None:  # a simulated light is reached from here, and cannot wait
            self._look_at_the_light(self._light)
            self._light = None
            return
        keeper.pipe.close()
        ours, theirs = make_pipes()
        ours.close()
        self._family.start("keeper", theirs.leases, theirs.orders, None, NOBODY)

    def _look_at_the_light(self, light: Connection) -> None:
        """Ask the simulated light box itself, after everybody else has spoken."""
        from acquire.simulated.light.light_box import LightBoxClient, LightBoxGone

        try:
            box = LightBoxClient(light)
            if not box.state().is_dark:
                self._problem = f"THE LIGHT IS ON after the run; {self._problem}"
                self._may_be_lit = not box.dark().is_dark
        except LightBoxGone as error:
            logger.debug("the light has gone with its process: %s", error)
        except ScopeError as error:
            self._problem = f"the light box does not answer ({error}); {self._problem}"
            self._may_be_lit = True
        light.close()

    def _drain(self, child: Child) -> None:
        while (message := child.hear()) is not None:
            self._note(child, message)

    def _outcome(self) -> Outcome:
        summary = self._summary
        if self._may_be_lit or (summary is not None and not summary.is_dark):
            code, reason = NOT_DARK, self._problem or (summary.reason if summary else "")
            reason = f"DARK NOT CONFIRMED: {reason.removeprefix('DARK NOT CONFIRMED, ')}"
        elif self._problem:
            code, reason = FAILED, self._problem
        elif self._interrupts:
            code, reason = INTERRUPTED, self._stop_reason
        elif summary is None:
            code, reason = FAILED, "the run ended without a word"
        else:
            code = FAILED if summary.status == "failed" else DONE
            reason = summary.reason
        return Outcome(code, summary, reason, tuple(self._usage.samples), self._cpu_s)

    @contextlib.contextmanager
    def _listening_for_interrupts(self) -> Iterator[None]:
        # Ctrl-Z stops in order, too: a run that stands still in the light is no pause.
        wanted = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGBREAK")
        names = [name for name in wanted if hasattr(signal, name)]
        before = {n: signal.signal(getattr(signal, n), self._interrupt) for n in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(getattr(signal, name), handler)

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        self._interrupts += 1
        name = signal.Signals(number).name
        self._interrupted_by = {"SIGINT": "Ctrl-C", "SIGTSTP": "Ctrl-Z"}.get(name, name)
