"""A stand that runs the real command, breaks it from outside, and notes what came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Self

import msgspec
import psutil

from acquire.errors import ScopeError
from acquire.simulated.config import LASER
from acquire.simulated.light.light_box import LightBoxClient, LightBoxGone
from lightloop.bench.faults_facts import Facts, read_facts
from lightloop.bench.faults_switchboard import Switchboard, is_of_a_run
from lightloop.bench.faults_wiring import Value, Wiring, Word
from lightloop.bench.posix import CONT, KILL, STOP
from lightloop.task import RunTask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from realtime.stream.address import Address

PATIENCE_S = 60.0
AFTER_DEATH_S = 0.5  # the light must be off 0.4 s after an owner's death


class StandFailed(ScopeError):
    """The run did not get to where it was to be broken."""


class Stand:
    """One run of `lightloop run` on a simulated microscope, and every line to it.

    Parameters
    ----------
    folder
        For everything that the run writes, and the stand notes.
    config
        The run config, TOML.

    Attributes
    ----------
    pids
        Process numbers, by part; "supervisor" is the command itself.
    fault_ns, death_ns
        When the run was broken, and when an owner of light died (0: none did), host clock.
    """

    def __init__(
        self, folder: Path, config: str, *, with_window: bool = False, is_sabotaged: bool = False
    ) -> None:
        self.folder = folder
        self.config_path = folder / "run.toml"
        self.orders_path = folder / "orders.txt"
        self.fault_ns = self.death_ns = 0
        self._config, self._with_window = config, with_window
        self._box: LightBoxClient | None = None
        self._is_dark = True
        self._after = ExitStack()
        self._board = Switchboard()
        self.pids, self._lines = self._board.pids, self._board.lines
        self._wiring = Wiring(self._board.port, self._board.key, str(folder), is_sabotaged)

    def __enter__(self) -> Self:
        self._board.start()
        session = self.folder / "s"
        session.mkdir(mode=0o700)
        self.orders_path.write_text("", "utf-8")
        self.config_path.write_text(self._config, "utf-8")
        task = RunTask(
            "",
            str(self.config_path),
            str(self.folder / "run.h5"),
            with_window=self._with_window,
            sabotage=msgspec.json.encode(self._wiring).decode(),
        )
        wanted = self.folder / "task.json"
        wanted.write_bytes(msgspec.json.encode(task))
        said = self._after.enter_context((self.folder / "said.txt").open("wb"))
        self._command = subprocess.Popen(
            [sys.executable, "-m", "lightloop.bench.faults_command", str(wanted)],
            stdout=said,
            stderr=said,
            start_new_session=True,
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        )
        self.pids["supervisor"] = self._command.pid
        self._watched = psutil.Process(self._command.pid)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave no process, thread or socket of the run behind."""
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            family = self._watched.children(recursive=True)
        for process in (*family, *self._board.processes.values()):
            if self._command.poll() is None or process.pid != self._command.pid:
                with suppress(psutil.NoSuchProcess):
                    if is_of_a_run(process):
                        process.kill()  # psutil looks whether it is still the same
        self._command.wait(PATIENCE_S)
        self._board.close()
        self._after.close()

    def finish(self, patience_s: float = PATIENCE_S) -> Facts:
        """Let the run end, by itself or because it is told to, and return what was noted."""
        self._wait(lambda: self._has_ended("scope"), "the scope to end", patience_s)
        until_s = time.perf_counter() + AFTER_DEATH_S
        self._wait(lambda: time.perf_counter() > until_s, "the light to be off", patience_s)
        self._look_at_the_light()
        self._wait(lambda: self._command.poll() is not None, "the command to end", patience_s)
        for name in ("keeper", "light", "worker", "recorder"):
            self._wait(partial(self._has_ended, name), f"the {name} to end", patience_s)
        return read_facts(
            self.folder,
            exit_code=self._command.returncode,
            is_dark=self._is_dark,
            fault_ns=self.fault_ns,
            death_ns=self.death_ns,
        )

    @property
    def address(self) -> Address | None:
        """The session's sockets."""
        return self._board.address

    @property
    def box(self) -> LightBoxClient:
        """The light box, by a line of the stand's own."""
        if self._box is None:
            self._box = LightBoxClient(self._lines["light"], timeout_s=5.0)
        return self._box

    def n_exposures(self) -> int:
        """Return in how many exposures there was light so far."""
        return self.box.meter()[LASER].exposures

    def wait_for_exposures(self, count: int, patience_s: float = PATIENCE_S) -> None:
        """Wait until there was light in so many more exposures.

        Raises
        ------
        StandFailed
            If the run does not get there.
        """
        wanted = count
        if self.fault_ns or self._box is not None:
            wanted += self.n_exposures()
        parts = {"light", "scope", "keeper", "worker", "recorder", "address"}
        self._wait(lambda: parts <= set(self.pids), "every part to call", patience_s)
        self._wait(lambda: self.n_exposures() >= wanted, f"{count} exposures", patience_s)

    def wait_for_dark(self, seconds: float = 0.25) -> None:
        """Wait until there was no light for so long."""
        since_s, seen = time.perf_counter(), self.n_exposures()
        until_s = since_s + PATIENCE_S
        while time.perf_counter() < since_s + seconds:
            if time.perf_counter() > until_s:
                raise StandFailed("the light never stayed off")
            time.sleep(0.02)
            if (now := self.n_exposures()) != seen:
                since_s, seen = time.perf_counter(), now

    def strike(self) -> None:
        """Note that the fault happens now."""
        self.fault_ns = time.perf_counter_ns()

    def say(self, who: str, verb: str, *objects: Value) -> str:
        """Tell a part, and return its answer; empty if it did it."""
        line = self._lines[who]
        line.send_bytes(msgspec.json.encode(Word(verb, objects)))
        return line.recv_bytes().decode()

    def order(self, what: str) -> None:
        """Tell the policy how to misbehave."""
        self.orders_path.write_text(what, "utf-8")

    def signal(self, who: str, number: int) -> None:
        """Send a signal to a part."""
        os.kill(self.pids[who], number)

    def catch_lit(self, who: str) -> None:
        """Stop a part in the middle of a lease, while there is light."""
        until_s = time.perf_counter() + PATIENCE_S
        while time.perf_counter() < until_s:
            if self.box.state().lit:
                self.signal(who, STOP)
                if self.box.state().lit and self.box.state().lit:
                    return
                self.signal(who, CONT)
        raise StandFailed("the light was never on")

    def kill(self, who: str) -> None:
        """Kill a part, and note when."""
        self.signal(who, KILL)
        self.death_ns = time.perf_counter_ns()

    def end(self) -> None:
        """Press Ctrl-C."""
        self.signal("supervisor", signal.SIGINT)

    def _wait(self, is_so: Callable[[], bool], what: str, patience_s: float) -> None:
        until_s = time.perf_counter() + patience_s
        try:
            while not is_so():
                if time.perf_counter() > until_s:
                    raise StandFailed(f"waited for {what} in vain")
                time.sleep(0.005)
        except ScopeError as error:
            said = (self.folder / "said.txt").read_text("utf-8", "replace")
            gone = ", ".join(name for name in self._board.processes if self._has_ended(name))
            what = f"{error}; gone: {gone or 'nobody'}; the run said: {said[-2000:]}"
            raise StandFailed(what) from error

    def _has_ended(self, name: str) -> bool:
        try:
            process = self._board.processes[name]
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, KeyError):
            return True

    def _look_at_the_light(self) -> None:
        """Ask the box for the last time, and let go of it: it ends when nobody owns it."""
        try:
            self.box.meter()  # what shines now is on the chart then
            self._is_dark = not self.box.state().armed
        except (LightBoxGone, KeyError):
            self._is_dark = True
        except ScopeError:
            self._is_dark = False
        if self._box is not None:
            self._box.close()
