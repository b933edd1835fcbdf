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


def wait_until_it_records(
    process: subprocess.Popen[str], path: Path, size: int = 200_000
) -> list[psutil.Process]:
    until = time.monotonic() + 120.0
    while not path.exists() or path.stat().st_size < size:
        assert _lives(process), process.communicate()
        assert time.monotonic() < until, "nothing was recorded"
        time.sleep(0.02)
    return psutil.Process(process.pid).children(recursive=True)


def assert_all_gone(children: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive, [p.cmdline() for p in alive]


ENDS = [
    "SIGINT",
    "SIGQUIT",  # it ends multiprocessing's own tracker, too
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("SIGTERM", "SIGTSTP", "SIGHUP")),
]
"""The slow ones on every push in two parts: who hears (`test_interrupts`), and who does not."""


def send(processes: list[psutil.Process], what: str) -> None:
    for process in processes:
        process.send_signal(getattr(signal, what))


@pytest.mark.parametrize("what", ENDS)
def test_whatever_a_terminal_or_a_logoff_sends_to_the_whole_group_ends_in_order(
    command: subprocess.Popen[str], tmp_path: Path, what: str
) -> None:
    children = wait_until_it_records(command, tmp_path / "run.h5")
    if what == "SIGINT":  # what is not the supervisor's wish moves nobody; a run shows it of all
        ours = [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
        for of_others in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP"):
            send(ours, of_others)
        written = (tmp_path / "run.h5").stat().st_size
        wait_until_it_records(command, tmp_path / "run.h5", written + 100_000)
    send([psutil.Process(command.pid), *children], what)  # as a terminal does it
    out, err = command.communicate(timeout=120)
    assert command.returncode == 130, err
    assert_all_gone(children)
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.status == "complete"
        assert reader.end is not None
        assert reader.end.is_dark
    if what not in ("SIGQUIT", "SIGHUP"):  # the tracker complains
        assert "Traceback" not in err
    said = {"SIGINT": "Ctrl-C", "SIGTSTP": "Ctrl-Z"}.get(what, what)
    assert f"stopped by {said}" in out + err


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
