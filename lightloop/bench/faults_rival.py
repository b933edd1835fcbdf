"""The same faults on bare pymmcore-plus: `core.mda.run`, with the same devices and light box."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import ScopeError
from acquire.pipe import new_pipe
from acquire.simulated.config import LASER
from acquire.simulated.light.light_box import LightBoxClient
from lightloop.bench.faults_facts import joined, read_spans
from lightloop.bench.faults_script import drive, shine
from lightloop.bench.faults_wiring import CHART, Value, Word
from lightloop.bench.posix import KILL, STOP

if TYPE_CHECKING:
    from collections.abc import Callable


SAID = "said.txt"  # what the script prints
SPAWN = multiprocessing.get_context("spawn")
BEFORE = 5  # exposures
WATCHED_S = 3.0  # after the fault
DARK_BY_S = 0.4
PATIENCE_S = 30.0


class RivalFacts(msgspec.Struct, frozen=True):
    """What came of a fault.

    Attributes
    ----------
    exposures_after
        Stretches of light that began after it.
    is_over, error
        Whether the run ended while it was watched, and the error that reached the caller.
    finish
        The reason that pymmcore-plus gives.
    lit_late_s
        Light between 0.4 s and 3 s after the fault.
    is_lit
        Whether there was light at the end of that.
    """

    exposures_after: int
    is_over: bool
    error: str
    finish: str
    lit_late_s: float
    is_lit: bool

    @property
    def stays_on(self) -> bool:
        """Whether the light never went out again."""
        return self.is_lit and self.lit_late_s > 0.95 * (WATCHED_S - DARK_BY_S)

    @property
    def is_told(self) -> bool:
        """Whether whoever started the run knows that something happened."""
        return self.is_over and (bool(self.error) or self.finish != "completed")

    def in_words(self) -> str:
        """Say what came of it."""
        if self.is_over:
            how = "dies" if not self.finish else f"ends, {self.finish}"
            how += ", error raised" if self.error else ""
        elif self.stays_on:
            how = "does not end"
        elif not self.exposures_after:
            how = "goes on without a frame"
        else:
            how = f"goes on, {self.exposures_after} exposures in {WATCHED_S:.0f} s"
        return f"{how}; LIGHT STAYS ON" if self.stays_on else how


class Script:
    """A user's script, which adapts the power by what it sees, and its light box."""

    def __init__(self, folder: Path, *, keeps_open: bool) -> None:
        self._folder = folder
        self._light, box_a = new_pipe()
        theirs, box_b = new_pipe()
        self._words, box_words = new_pipe()
        self._hand, hand = new_pipe()
        chart = str(folder / CHART)
        self._box = SPAWN.Process(target=shine, args=([box_a, box_b], box_words, chart))
        self._script = SPAWN.Process(
            target=drive, args=(theirs, hand, keeps_open, str(folder / SAID))
        )
        for process in (self._box, self._script):
            process.start()
        for end in (box_a, box_b, theirs, box_words, hand):
            end.close()
        self.box = LightBoxClient(self._light, PATIENCE_S)
        self.fault_ns = 0

    def wait_for_exposures(self, count: int) -> None:
        """Wait until there was light so often."""
        until_s = time.perf_counter() + PATIENCE_S
        while self.box.meter()[LASER].exposures < count:
            if time.perf_counter() > until_s:
                said = (self._folder / SAID).read_text("utf-8", "replace")
                raise ScopeError(f"pymmcore-plus took no frames; it said: {said[-500:]}")
            time.sleep(0.005)

    def while_lit(self) -> None:
        """Wait until there is light."""
        while not self.box.state().lit:
            time.sleep(0.001)

    def say(self, verb: str, *objects: Value) -> None:
        """Tell the script's hand; its answer is not waited for."""
        self._hand.send_bytes(msgspec.json.encode(Word(verb, objects)))

    def break_box(self, name: str) -> None:
        """Break the light box."""
        self._words.send_bytes(msgspec.json.encode(Word("set", (name, 1.0))))

    def signal(self, number: int) -> None:
        """Send a signal to the script."""
        os.kill(self._script.pid or 0, number)

    def end_box(self) -> None:
        """Pull the plug of the light box."""
        self._box.kill()

    def facts(self) -> RivalFacts:
        """Watch for a while, and return what came of the fault."""
        until_ns = self.fault_ns + int(WATCHED_S * 1e9)
        time.sleep(max(0.0, (until_ns - time.perf_counter_ns()) * 1e-9))
        is_lit = False
        try:
            self.box.meter()
            is_lit = bool(self.box.state().armed)
        except ScopeError:  # it has no mains, or does not answer
            is_lit = self._box.is_alive()
        finish, error = self._last_words()
        late_ns = self.fault_ns + int(DARK_BY_S * 1e9)
        lit = joined(read_spans(self._folder / CHART))
        late = sum(max(0, min(e, until_ns) - max(b, late_ns)) for b, e in lit)
        after = sum(begin > self.fault_ns for begin, _ in lit)
        is_over = bool(finish) or not self._script.is_alive()
        return RivalFacts(after, is_over, error, finish, late * 1e-9, is_lit)

    def _last_words(self) -> tuple[str, str]:
        """Return why the script says that its run has ended, and with which error."""
        try:
            while self._hand.poll():
                tag, _, words = self._hand.recv_bytes().decode().partition(" ")
                if tag == "end":
                    finish, _, error = words.partition(" ")
                    return finish, error
        except (EOFError, OSError):  # it died before it could say anything
            return "", ""
        return "", ""

    def close(self) -> None:
        """Leave nothing behind."""
        for process in (self._script, self._box):
            if process.is_alive():
                process.kill()
            process.join()
        for end in (self._light, self._words, self._hand):
            end.close()


def measure(deed: str, *, keeps_open: bool = False) -> RivalFacts:
    """Run pymmcore-plus, break it, watch, and return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        script = Script(Path(folder), keeps_open=keeps_open)
        try:
            script.wait_for_exposures(BEFORE)
            if deed in WHILE_LIT:
                script.while_lit()
            script.fault_ns = time.perf_counter_ns()
            DEEDS[deed](script)
            return script.facts()
        finally:
            script.close()


def _device(label: str, switch: str) -> Callable[[Script], None]:
    return lambda script: script.say("set", label, switch, "On")


def _late(script: Script) -> None:
    script.say("do", "late")


DEEDS: dict[str, Callable[[Script], None]] = {
    "cancel": lambda script: script.say("cancel"),
    "raise": lambda script: script.say("do", "raise"),
    "callback": lambda script: script.say("do", "callback"),
    "camera_fails": _device("Camera", "Refuse"),
    "camera_dies": _device("Camera", "Die"),
    "camera_hangs": _device("Camera", "Hang"),
    "stage": _device("XY", "Hang"),
    "power_refused": lambda script: script.break_box("refuses_power"),
    "power_ignored": lambda script: script.break_box("ignores_power"),
    "shutter_stuck": lambda script: script.break_box("sticks_open"),
    "refuse_dark": _device(LASER, "RefuseDark"),
    "light_dies": Script.end_box,
    "late": _late,
    "nan": lambda script: script.say("do", "nan"),
    "kill": lambda script: script.signal(KILL),
    "hang": lambda script: script.signal(STOP),
}
"""How each fault is done; names as in the table."""

WHILE_LIT = {"cancel", "camera_dies", "refuse_dark", "kill", "hang"}
