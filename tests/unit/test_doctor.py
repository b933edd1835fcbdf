"""The doctor: each line says what is wrong and what to do, and no check can silence the others."""

from __future__ import annotations

import json
import sys
from collections import namedtuple

import pytest
from typer.testing import CliRunner

from lightloop.cli import app
from lightloop.doctor import (
    Finding,
    examination,
    examine,
    machine,
    microscope,
    networks,
    probe,
    screen,
    software,
    streams,
)
from lightloop.doctor.probe import ProbeFailed


def answers(module: object, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    def ask(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(module, "ask", ask)


@pytest.mark.parametrize(
    ("version", "python", "platform", "is_bad"),
    [
        ("6.11.3", (3, 11), "linux", False),
        ("6.12.0", (3, 11), "linux", True),
        ("6.12.1", (3, 11), "darwin", True),
        ("6.12.0", (3, 12), "linux", False),
        ("6.8.0", (3, 12), "linux", True),
        ("6.9.0", (3, 11), "linux", False),
        ("6.9.0", (3, 11), "win32", True),
        ("6.9.1", (3, 11), "linux", True),
        ("6.9.2", (3, 13), "linux", True),
        ("6.10.0", (3, 11), "linux", True),
        ("6.10.3", (3, 13), "win32", False),
    ],
)
def test_releases_of_qt_that_crash_are_known(
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    python: tuple[int, int],
    platform: str,
    is_bad: bool,
) -> None:
    monkeypatch.setattr(sys, "version_info", python)
    monkeypatch.setattr(sys, "platform", platform)
    assert bool(screen.why_bad(version)) == is_bad


def test_a_bad_qt_is_a_failure_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_version", lambda name: "6.9.1" if "PySide" in name else "0.14")
    finding = screen.binding()
    assert finding.verdict == "fail"
    assert "pip install" in finding.fix


def test_no_qt_is_only_a_warning_because_runs_need_no_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(screen, "_version", lambda name: None)
    assert [f().verdict for f in (screen.binding, screen.platform, screen.paint)] == ["warn"] * 3


def test_a_window_that_crashes_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_version", lambda name: "6.11.3")
    monkeypatch.setattr(screen, "has_screen", lambda: True)
    answers(screen, monkeypatch, ProbeFailed("libEGL.so.1: cannot open (exit status 1)"))
    finding = screen.platform()
    assert finding.verdict == "fail"
    assert "libEGL" in finding.value
    if sys.platform == "linux":
        assert "apt-get install libegl1" in finding.fix


def test_without_a_screen_the_window_is_only_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_version", lambda name: "6.11.3")
    monkeypatch.setattr(screen, "has_screen", lambda: False)
    assert screen.platform().verdict == "warn"


def test_core_and_adapters_must_speak_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"pymmcore": "12.5.1.75.0", "mm-test-adapters": "74.20250825"}
    monkeypatch.setattr(microscope.importlib.metadata, "version", versions.__getitem__)
    finding = microscope.interface()
    assert finding.verdict == "fail"
    assert "75" in finding.fix
    versions["mm-test-adapters"] = "75.20261014.post1"
    assert microscope.interface().verdict == "ok"


def test_a_network_that_fails_its_parity_gate_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers(networks, monkeypatch, ProbeFailed("deviates from the reference (exit status 1)"))
    assert networks.shipped().verdict == "fail"
    answers(networks, monkeypatch, [["d@1", "openvino", "bf16", 0.01, 9.0]])
    assert networks.shipped().verdict == "ok"
    answers(networks, monkeypatch, [["d@1", "openvino", "f32", 0.01, 90.0]])
    assert networks.shipped().verdict == "warn"
    answers(networks, monkeypatch, [])
    assert networks.shipped().verdict == "warn"


def test_messages_and_shared_memory_work_here() -> None:
    assert streams.messages().verdict in ("ok", "warn")
    assert streams.shared_memory().verdict == "ok"


def test_little_shared_memory_is_a_failure_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_room", lambda: 60 << 20)  # docker gives 64 MB
    finding = streams.shared_memory()
    assert finding.verdict == "fail"
    assert "--shm-size" in finding.fix


def test_a_full_disk_and_little_memory_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage(9e9, 8e9, 1e9))
    monkeypatch.setattr(machine, "WRITE_BYTES", 1 << 20)
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: memory(1e9))
    assert machine.disk().verdict == "warn"
    assert machine.memory().verdict == "warn"


def test_the_clock_is_fine_enough_for_leases() -> None:
    assert machine.clock().verdict == "ok"


def test_python_and_names_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert software.python().verdict == "ok"
    monkeypatch.setattr(software, "foreign_names", lambda: {"acquire": ["acquire-imaging"]})
    finding = software.names()
    assert finding.verdict == "fail"
    assert "acquire-imaging" in finding.value


def test_a_check_that_breaks_is_a_line_and_the_others_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> Finding:
        raise ZeroDivisionError("division by zero")

    checks = {"first": broken, "second": lambda: Finding("ok", "second", "fine")}
    monkeypatch.setattr(examination, "CHECKS", checks)
    first, second = examine()
    assert (first.verdict, second.verdict) == ("fail", "ok")
    assert "ZeroDivisionError" in first.value


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_only_a_failure_is_a_bad_status(
    monkeypatch: pytest.MonkeyPatch, verdict: str, code: int
) -> None:
    finding = Finding(verdict, "disk", "full", "empty it")  # type: ignore[arg-type]
    monkeypatch.setattr(examination, "CHECKS", {"disk": lambda: finding})
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == code
    mark = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}[verdict]
    assert done.stdout.startswith(f"{mark} disk ")
    assert "full -> empty it" in done.stdout
    found = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert found == [{"verdict": verdict, "name": "disk", "value": "full", "fix": "empty it"}]


def test_a_config_is_examined_with_its_microscope() -> None:
    from pathlib import Path

    configs = Path(__file__).parents[2] / "configs"
    assert microscope.config(configs / "demo.toml").verdict == "ok"
    missing = microscope.config(configs / "none.toml")
    assert missing.verdict == "fail"
    assert "there is no such file" in missing.value


def test_a_probe_that_dies_is_told_in_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.sys, "executable", sys.executable)
    with pytest.raises(ProbeFailed, match=r"KeyError: 'no such probe' \(exit status 1\)"):
        probe.ask("no such probe")


def test_a_probe_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TIMEOUT_S", 0.0)
    with pytest.raises(ProbeFailed, match="no answer"):
        probe.ask("snap")
