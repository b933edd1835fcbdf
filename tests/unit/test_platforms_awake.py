"""What Windows and macOS do otherwise: sleep, and console windows that are closed."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lightloop.config import parse
from lightloop.processes import link as link_file
from lightloop.supervision import awake as awake_file
from lightloop.supervision.awake import ES_CONTINUOUS, ES_SYSTEM_REQUIRED, awake, awake_for
from lightloop.supervision.console_close import outliving_the_console
from lightloop.supervision.interrupts import hearing
from tests.lasting_stand import config_of
from tests.run_helpers import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable


class Call:
    """A function of a library, which takes attributes as those of ctypes do."""

    def __init__(self, deed: Callable[..., int]) -> None:
        self._deed = deed

    def __call__(self, *given: Any) -> int:
        return self._deed(*given)


class Kernel32:
    """Windows as far as we ask it."""

    def __init__(self, *, is_willing: bool = True) -> None:
        self.states: list[tuple[int, int]] = []
        self.handlers: list[Any] = []
        self._is_willing = is_willing
        self.SetThreadExecutionState = Call(self._set_state)
        self.SetConsoleCtrlHandler = Call(self._set_handler)

    def close_console(self, event: int = 2) -> int:
        """Ask the handlers as Windows does: the newest first, until one says that it is done."""
        return next((1 for handler in reversed(self.handlers) if handler(event)), 0)

    def _set_state(self, state: int) -> int:
        self.states.append((state, threading.get_ident()))
        return ES_CONTINUOUS if self._is_willing else 0

    def _set_handler(self, handler: Any, is_new: int) -> int:
        if is_new and self._is_willing:
            self.handlers.append(handler)
        elif not is_new and handler in self.handlers:
            self.handlers.remove(handler)
        return int(self._is_willing)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Kernel32:
    kernel32 = Kernel32()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: {"kernel32": kernel32}[name])
    return kernel32


def test_windows_is_asked_to_stay_awake_and_let_go_of_in_the_same_thread(
    windows: Kernel32, caplog: pytest.LogCaptureFixture
) -> None:
    here = threading.get_ident()
    with awake("win32"):
        assert windows.states == [(ES_CONTINUOUS | ES_SYSTEM_REQUIRED, here)]
    assert windows.states[1:] == [(ES_CONTINUOUS, here)]
    assert not caplog.records


def test_windows_that_refuses_to_stay_awake_is_told_of_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Kernel32(is_willing=False))
    with awake("win32"):
        pass
    assert "may fall asleep" in caplog.text


def test_an_error_of_the_run_is_not_taken_for_one_of_the_power_settings(
    windows: Kernel32, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OSError, match="the disk is full"), awake("win32"):
        raise OSError("the disk is full")
    assert len(windows.states) == 2
    assert not caplog.records


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """Put a program in the place of caffeinate."""
    program = folder / "caffeinate"
    program.write_text(f"#!{sys.executable} -S\n{does}\n", "utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(awake_file, "CAFFEINATE", str(program))


@pytest.mark.skipif(sys.platform == "win32", reason="a program there has another form")
def test_on_macos_a_helper_runs_as_long_as_the_run_and_ends_with_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    helper(tmp_path, monkeypatch, "import sys; sys.stdin.read()")
    started = []
    popen = awake_file.subprocess.Popen
    monkeypatch.setattr(
        awake_file.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0]
    )
    with awake("darwin"):
        assert started[0].poll() is None
        assert started[0].args[1:3] == ["-i", "-s"]
        assert "-w" in started[0].args
    assert started[0].returncode is not None
    assert not caplog.records


@pytest.mark.skipif(sys.platform == "win32", reason="a program there has another form")
def test_a_helper_that_ends_before_the_run_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "raise SystemExit(3)")
    told: list[object] = []
    has_told = threading.Event()
    monkeypatch.setattr(awake_file, "_warn", lambda why: (told.append(why), has_told.set()))
    with awake("darwin"):
        assert has_told.wait(20.0)
    assert "ended with status 3" in str(told)


def test_where_there_is_no_helper_the_person_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(awake_file, "CAFFEINATE", str(tmp_path / "nothing"))
    with awake("darwin"):
        pass
    assert "may fall asleep" in caplog.text


def test_a_linux_that_nothing_sends_to_sleep_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(awake_file, "SYSTEMD", tmp_path / "nothing")
    monkeypatch.setattr(awake_file.subprocess, "Popen", lambda *_, **__: pytest.fail("a helper"))
    with awake("linux"):
        assert not caplog.records


@pytest.mark.parametrize(("is_real", "asked"), [(True, ["asked"]), (False, [])])
def test_only_light_that_is_real_keeps_a_computer_awake(
    is_real: bool, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    monkeypatch.setattr(awake_file, "awake", lambda: contextlib.nullcontext(found.append("asked")))
    text = config_of(tmp_path / "scope.cfg") if is_real else SMALL
    with awake_for(parse(text)):
        assert found == asked


def test_a_run_a_rehearsal_and_a_calibration_keep_the_computer_awake() -> None:
    for part in ("supervision/supervisor", "rehearse/rehearsal", "calibrate/stand"):
        text = (Path(awake_file.__file__).parents[1] / f"{part}.py").read_text("utf-8")
        assert "awake_for(config)" in text, part


def test_a_console_window_that_is_closed_is_noted_and_its_end_held_off_until_all_is_done(
    windows: Kernel32,
) -> None:
    noted: list[str] = []
    heard, ended = threading.Event(), threading.Event()

    def note(how: str) -> None:
        noted.append(how)
        heard.set()

    def system() -> None:
        windows.close_console()
        ended.set()  # now Windows ends the process

    closing = threading.Thread(target=system)
    with outliving_the_console(note, "win32"):
        closing.start()
        assert heard.wait(20.0)
        assert not ended.is_set()
    closing.join(20.0)
    assert ended.is_set()
    assert noted == ["the closing of its console window"]
    assert not windows.handlers


def test_ctrl_c_and_ctrl_break_are_left_to_python(windows: Kernel32) -> None:
    with outliving_the_console(pytest.fail, "win32"):
        assert windows.close_console(0) == windows.close_console(1) == 0


def test_a_console_that_cannot_be_listened_to_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Kernel32(is_willing=False))
    with outliving_the_console(pytest.fail, "win32"):
        assert "do not close it" in caplog.text


@pytest.mark.parametrize(("who", "stops"), [("scope", True), ("keeper", False), ("worker", False)])
def test_only_the_scope_stops_by_itself_when_the_console_goes(
    who: str, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Alone:
        def __init__(self) -> None:
            self.reasons: list[str] = []

        def end(self, reason: str) -> None:
            self.reasons.append(reason)

    class Process:
        name = who

    alone = Alone()
    monkeypatch.setattr(link_file.multiprocessing, "current_process", Process)
    link_file._console_goes(alone, "the closing of its console window")  # type: ignore[arg-type]
    assert alone.reasons == ["stopped by the closing of its console window"] * stops


def test_who_hears_ctrl_c_hears_of_the_console_too(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    monkeypatch.setattr("lightloop.supervision.interrupts.outliving_the_console", Listening(heard))
    noted: list[str] = []
    with hearing(noted.append):
        pass
    (note,) = heard
    assert callable(note)
    note("the closing of its console window")
    assert noted == ["the closing of its console window"]


class Listening:
    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def __call__(self, note: object) -> Listening:
        self._heard.append(note)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass
