"""The processes of a run, the real ones, each with a line to the stand that breaks it.

What is added is outside of what is tested: a hand on the devices of the microscope, a calendar
that can be set, and notes of what the keeper was told and of when the light box gave light.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from lightloop.bench.faults_mines import lay
from lightloop.bench.faults_wiring import CHART, LEASES, Wiring, Word
from lightloop.task import RunTask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.connection import Connection

    from acquire.simulated.light.light_words import Line

_LEASE, _CLOSE = b"L", b"C"  # of `acquire.keeper.keep`


def enter(name: str, *pipes: Any) -> None:
    """Be a process of the run; `light`, `scope` and `keeper` are more than themselves."""
    PARTS.get(name, partial(_be, name))(*pipes)


def light(task_json: bytes, supervisor: Connection, owners: list[Connection]) -> None:
    """Be the light box."""
    from acquire.simulated.light.light_box import serve
    from lightloop.bench.faults_box import FaultyBox
    from lightloop.build.microscope import light_lines
    from lightloop.config import parse
    from lightloop.processes.link import Link, run_child

    wiring = _wiring(task_json)
    task = msgspec.json.decode(task_json, type=RunTask)
    chart = (Path(wiring.folder) / CHART).open("a", buffering=1)

    def note(begin_s: float, end_s: float) -> None:
        chart.write(f"{round(begin_s * 1e9)} {round(end_s * 1e9)}\n")

    def make(lines: Sequence[Line], clock: Callable[[], float]) -> FaultyBox:
        box = FaultyBox(lines, clock, note)
        listen(wiring.connect("box"), {"set": partial(setattr, box)})
        return box

    def shine(link: Link) -> None:
        lines = light_lines(parse(task.config_toml, task.config_name))
        owners.append(wiring.connect("light"))
        link.ready()
        serve(owners, lines, make=make)
        link.finished()

    run_child(supervisor, shine, task.is_verbose)


def keeper(task_json: bytes, supervisor: Connection, leases: Connection, *rest: Any) -> None:
    """Be the keeper, and note what it is told."""
    wiring = _wiring(task_json)
    line = wiring.connect("keeper")
    notes = (Path(wiring.folder) / LEASES).open("a", buffering=1)
    _real("keeper")(task_json, supervisor, _Noted(leases, notes.write), *rest)
    line.close()


def scope(task_json: bytes, *pipes: Any) -> None:
    """Be the scope, with a hand on its devices."""
    wiring = _wiring(task_json)
    module = import_module("lightloop.processes.scope")
    session = import_module("lightloop.processes.session")
    build, watch, address = module.build_microscope, session.TimeWatch, session.local_address
    jump_s, mines = [0.0], lay(Path(wiring.folder))

    def build_with_a_hand(*args: Any) -> Any:
        microscope = build(*args)
        core, bench = microscope.core, microscope.bench
        core.setProperty("Camera", "RealTime", "On")
        core.setTimeoutMs(500)
        verbs: dict[str, Callable[..., object]] = {
            "set": core.setProperty,
            "push": lambda axis, um: setattr(bench, axis, getattr(bench, axis) + um),
            "jump": partial(jump_s.__setitem__, 0),
            "kill cells": lambda: _kill_cells(bench.specimen),
            "die": mines,
        }
        listen(wiring.connect("scope"), verbs)
        return microscope

    def known_address(folder: Path) -> Any:
        found = address(folder)
        wiring.connect("address", msgspec.json.encode(found).decode()).close()
        return found

    def utc_ns() -> int:
        return time.time_ns() + int(jump_s[0] * 1e9)

    _replace(module, "build_microscope", build_with_a_hand)
    _replace(session, "local_address", known_address)
    _replace(session, "TimeWatch", partial(watch, utc_ns=utc_ns))
    if wiring.is_sabotaged:
        _leave_the_light_on()
    _real("scope")(task_json, *pipes)


def _be(name: str, task_json: bytes, *pipes: Any) -> None:
    line = _wiring(task_json).connect(name)
    _real(name)(task_json, *pipes)
    line.close()


def _real(name: str) -> Callable[..., None]:
    main: Callable[..., None] = import_module(f"lightloop.processes.{name}").main
    return main


def _wiring(task_json: bytes) -> Wiring:
    return Wiring.of(msgspec.json.decode(task_json, type=RunTask))


def _replace(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


class _Noted:
    """A pipe's end that notes each lease: when it was heard, and its deadline (0: closed), ns."""

    def __init__(self, pipe: Connection, note: Callable[[str], object]) -> None:
        self._pipe, self._note = pipe, note

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        packet = self._pipe.recv_bytes(maxlength)
        if packet[:1] in (_LEASE, _CLOSE):
            deadline_ns = int.from_bytes(packet[1:9], "little", signed=True)
            self._note(f"{time.perf_counter_ns()} {deadline_ns}\n")
        return packet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)


def listen(line: Connection, verbs: Mapping[str, Callable[..., object]]) -> None:
    """Obey the stand in a thread, until it hangs up."""

    def obey() -> None:
        while True:
            try:
                word = msgspec.json.decode(line.recv_bytes(), type=Word)
            except (EOFError, OSError):
                return
            answer = ""
            try:
                verbs[word.verb](*word.objects)
            except Exception as error:  # a broken device may refuse: the stand hears it
                answer = repr(error)
            line.send_bytes(answer.encode())

    threading.Thread(target=obey, name="stand", daemon=True).start()


def _kill_cells(specimen: Any) -> None:
    """Let every cell die at once: its risk has passed its fate."""
    specimen._cells["hazard"] = 1e9  # noqa: SLF001  # there is no such door in a specimen
    specimen._cells["phase"] = 0  # noqa: SLF001


def _leave_the_light_on() -> None:
    """Sabotage: the guard's darkening says that all is dark, and does nothing."""
    from acquire.light.darkness import Darkness

    def close(
        self: Darkness, source: object, note_closed: Callable[[], object] = lambda: None
    ) -> tuple[()]:
        note_closed()
        return ()

    _replace(Darkness, "close", close)
    _replace(Darkness, "all", lambda self: ())


PARTS: Mapping[str, Callable[..., None]] = {"light": light, "scope": scope, "keeper": keeper}
