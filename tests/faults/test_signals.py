"""Ctrl-C, a closed terminal, a killed command: what the whole tree of processes makes of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from realtime.run_file import RunReader
from tests.run_helpers import SMALL

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A headless run in a session of its own, as a terminal starts it."""
    config = tmp_path / "small.toml"
    config.write_text(SMALL)
    arguments = ["run", str(config), "--headless", "--out", str(tmp_path / "run.h5")]
    process = subprocess.Popen(
        [sys.executable, "-m", "lightloop", *arguments],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    for child in psutil.Process(process.pid).children(recursive=True) if _lives(process) else []:
        child.kill()
    process.kill()
    process.communicate()


def _lives(process: subprocess.Popen[str]) -> bool:
    return process.poll() is None


def wait_until_it_records(process: subprocess.Popen[str], path: Path) -> list[psutil.Process]:
    until = time.monotonic() + 120.0
    while not path.exists() or path.stat().st_size < 200_000:
        assert _lives(process), process.communicate()
        assert time.monotonic() < until, "nothing was recorded"
        time.sleep(0.02)
    return psutil.Process(process.pid).children(recursive=True)


def assert_all_gone(children: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive, [p.cmdline() for p in alive]


@pytest.mark.parametrize("what", ["SIGINT", "SIGTERM", "SIGQUIT", "SIGTSTP"])
def test_whatever_a_terminal_or_a_logoff_sends_to_the_whole_group_ends_in_order(
    command: subprocess.Popen[str], tmp_path: Path, what: str
) -> None:
    children = wait_until_it_records(command, tmp_path / "run.h5")
    for process in [psutil.Process(command.pid), *children]:  # as a terminal does it
        process.send_signal(getattr(signal, what))
    out, err = command.communicate(timeout=120)
    assert command.returncode == 130, err
    assert_all_gone(children)
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.status == "complete"
        assert reader.end is not None
        assert reader.end.is_dark
    if what != "SIGQUIT":  # it also ends multiprocessing's own tracker, which complains
        assert "Traceback" not in err
    said = {"SIGINT": "Ctrl-C", "SIGTSTP": "Ctrl-Z"}.get(what, what)
    assert f"stopped by {said}" in out + err


def test_a_closed_terminal_ends_in_order_too(
    command: subprocess.Popen[str], tmp_path: Path
) -> None:
    children = wait_until_it_records(command, tmp_path / "run.h5")
    for process in [psutil.Process(command.pid), *children]:
        process.send_signal(signal.SIGHUP)
    command.communicate(timeout=120)
    assert_all_gone(children)
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.status == "complete"


def test_a_killed_command_leaves_no_process_no_light_and_a_readable_file(
    command: subprocess.Popen[str], tmp_path: Path
) -> None:
    children = wait_until_it_records(command, tmp_path / "run.h5")
    command.kill()
    command.communicate(timeout=120)
    assert_all_gone(children)
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.status == "partial"
        assert reader.end is not None, "the scope had time to say its last word"
        assert reader.end.is_dark
        assert "supervisor is gone" in reader.end.reason
