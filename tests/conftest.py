"""What holds for every test: it leaves nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest

SHARED = Path("/dev/shm")
OURS = "ll_*"  # how our rings are called
LAST_S = 30.0  # time that what is ending may take, on a busy machine; reached only on failure


# An example of 10 ms takes 200 ms where coverage counts and others work: that is no fault. The same
# examples are drawn every time: what a change broke must not hang on luck. `pytest
# --hypothesis-profile=explore` draws others.
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.register_profile("lightloop", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("lightloop")


def pytest_configure() -> None:
    """Hear Ctrl-C: a job in a shell's background does not, nor would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def stands_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what says which microscope is in use out of the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTLOOP_STANDS", str(tmp_path_factory.mktemp("stands")))
        patch.setenv("LIGHTLOOP_WINDOW", str(tmp_path_factory.mktemp("window") / "window.json"))
        patch.delenv("COLUMNS", raising=False)  # else what a command says is folded to that width
        yield


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that leaves a thread, a process or shared memory behind.

    Files and sockets need no fixture: an unclosed one warns, and a warning is an error.
    """
    is_pure = "unit" in request.path.parts  # its processes would be multiprocessing's at most
    threads, rings = set(threading.enumerate()), set(SHARED.glob(OURS))
    children = set() if is_pure else set(psutil.Process().children())
    yield
    until = time.monotonic() + LAST_S
    for thread in set(threading.enumerate()) - threads:
        thread.join(max(0.0, until - time.monotonic()))
    for child in multiprocessing.active_children():
        child.join(max(0.0, until - time.monotonic()))
    left = [
        *(f"thread {t.name}" for t in set(threading.enumerate()) - threads if t.is_alive()),
        *(f"process {p.name} ({p.pid})" for p in multiprocessing.active_children()),
        *(
            f"shared memory {path.name}"
            for path in set(SHARED.glob(OURS)) - rings
            if not _is_anothers(path) and path.exists()  # another run may just have removed it
        ),
    ]
    if not is_pure:
        left += _orphans(set(psutil.Process().children()) - children, until)
    assert not left, f"the test left behind: {', '.join(left)}"


def _orphans(children: set[psutil.Process], until: float) -> list[str]:
    """Name the processes that do not end; multiprocessing's own tracker lives until we end."""
    _, alive = psutil.wait_procs(
        [child for child in children if not _is_tracker(child)],
        max(0.0, until - time.monotonic()),
    )
    return [f"process {child.pid}" for child in alive]


def _is_anothers(path: Path) -> bool:
    """Whether a process that is not of these tests uses the memory: a run beside them."""
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    for process in psutil.process_iter():
        try:
            if process.pid not in ours and any(path.name in m.path for m in process.memory_maps()):
                return True
        except psutil.Error:
            continue
    return False


def _is_tracker(child: psutil.Process) -> bool:
    try:
        return any("resource_tracker" in word for word in child.cmdline())
    except psutil.Error:
        return False
