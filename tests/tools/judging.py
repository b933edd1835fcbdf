"""Judges a mutant: runs tests on it, in a process that has all of them in memory already."""

from __future__ import annotations

import gc
import importlib
import io
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType
from typing import Any

OPTIONS = (
    "-x", "-q", "-pno:cacheprovider", "-pno:xdist", "-pno:benchmark", "--timeout=0",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # plugins are there already, of the run before
)  # fmt: skip
PATIENCE_S = 30  # a mutant is given this, and some times what its tests take without a fault
PATIENCE = 4
LAST_S = 2.0  # a thread that is ending may take so long
WRAPPED = ("__wrapped__", "fget", "func", "__func__", "wrapped")  # what decorators call it
CAN_FORK = hasattr(os, "fork")


class Chosen:
    """Lets pytest run these tests alone, in this order."""

    def __init__(self, names: list[str]) -> None:
        self._places = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Drop the others: nobody needs to hear of them."""
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])


def work(folder: str, tests: Sequence[str], pipe: Connection) -> None:
    """Run tests on each mutant that comes, each in a fork of this process, which stays clean.

    All tests are imported before, so a fork begins at once. Where there is no fork, one mutant is
    all that a process judges.
    """
    os.chdir(folder)
    sys.path.insert(0, folder)
    import hypothesis
    import pytest

    quick = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # the simplest fault matters not
    hypothesis.settings.register_profile(
        "mutants", phases=quick, database=None, deadline=None, derandomize=True
    )
    hypothesis.settings.load_profile("mutants")
    with redirect_stdout(io.StringIO()):
        pytest.main([*OPTIONS, "--collect-only", *tests])
    gc.collect()
    gc.freeze()  # pytest collects garbage ten times a run: a fork need not go through all that
    while True:
        patience_s, *task = pipe.recv()
        if CAN_FORK and (fork := os.fork()):
            if os.waitpid(fork, 0)[1]:
                pipe.send((1, "hangs, or ends the process"))
            continue
        if CAN_FORK:
            signal.alarm(patience_s)  # a mutant that hangs is noticed
        pipe.send(try_out(*task))
        os._exit(0)


def try_out(path: str, function: str, code: str, tests: list[str]) -> tuple[int, str]:
    """Return how pytest ends with this code in place of a function's own, and what it says."""
    import pytest

    if function:
        put(path, function, code)
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
        status = int(pytest.main([*OPTIONS, *files], [Chosen(tests)]))
    until = time.monotonic() + LAST_S
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(max(0.0, until - time.monotonic()))
    if threading.active_count() > 1:  # a thread left behind fails a test, too
        return status or 1, "leaves a thread behind"
    return status, said.getvalue()[-2000:]


def put(path: str, function: str, code: str) -> None:
    """Give a living function the code that it has in this text of its file."""
    found: Any = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    new = compile(code, path, "exec")
    for name in function.split("."):
        (new,) = (c for c in new.co_consts if isinstance(c, CodeType) and c.co_name == name)
        found = vars(found)[name]
    while inner := next((getattr(found, n) for n in WRAPPED if hasattr(found, n)), None):
        found = inner
    found.__code__ = new


class Worker:
    """A process with a copy of its own; begun anew when a mutant has ended it."""

    def __init__(self, folder: Path, tests: Sequence[str]) -> None:
        self._about = (str(folder), tests)
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(*self._about, theirs))
        process.start()
        self._process = process
        theirs.close()

    def judge(self, patience_s: int, *task: Any) -> tuple[bool, str]:
        """Return whether all tests pass (`try_out`), and what pytest said."""
        self._pipe.send((patience_s, *task))
        try:
            answer = self._pipe.recv() if self._pipe.poll(2 * patience_s) else None
        except EOFError:
            answer = None
        if answer is None or not CAN_FORK:
            self.close()
            self._start()
        status, said = answer or (1, "hangs, or ends the process")
        return status == 0, said

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()
