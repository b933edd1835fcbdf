"""Do the tests of the light guard notice a fault in it? Makes many, one at a time, and looks.

    python -m tests.tools.mutate                         all files of the guard
    python -m tests.tools.mutate acquire/light/lease.py  some
    python -m tests.tools.mutate --only Ending           mutants whose name has this in it
    python -m tests.tools.mutate --jobs 4                so many at a time; 2 unless told
    python -m tests.tools.mutate --most 40               no more of a file, drawn, always the same

It works on copies, so the checkout is never wrong. First it runs all tests and learns which of them
run which line; a mutant is then shown to those that run its line, the shortest first. One that no
test notices must stand in `survivors.toml` with the reason why it is no fault; else the command
ends with status 1.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import math
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import CodeType
from typing import Any

from tests.tools.guarded import FILES, ROOT, TESTS
from tests.tools.mutants import Mutant, mutants
from tests.tools.picking import Picker

OPTIONS = (
    "-x", "-q", "-pno:cacheprovider", "-pno:xdist", "-pno:benchmark", "--timeout=0",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # plugins are there already, of the run before
)  # fmt: skip
PATIENCE_S = 15  # a mutant is given this, and some times what its tests take without a fault
PATIENCE = 4
LAST_S = 2.0  # a thread that is ending may take so long
WRAPPED = ("__wrapped__", "fget", "func", "__func__", "wrapped")  # what decorators call it
CAN_FORK = hasattr(os, "fork")
SURVIVORS = Path(__file__).with_name("survivors.toml")


class Chosen:
    """Lets pytest run these tests alone, in this order."""

    def __init__(self, names: list[str]) -> None:
        self._places = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Drop the others: nobody needs to hear of them."""
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])


def work(folder: str, pipe: Connection) -> None:
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
        pytest.main([*OPTIONS, "--collect-only", *TESTS])
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(str(self.folder), theirs))
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


class Crew:
    """Some workers, who judge mutants side by side, and what tells them which tests to run."""

    def __init__(self, room: Path, jobs: int) -> None:
        folders = [room / f"copy-{number}" for number in range(jobs)]
        for folder in folders:
            copy(folder)
        self.folder = folders[0]
        self._picker = Picker(self.folder, TESTS, OPTIONS)
        self._workers = [Worker(folder) for folder in folders]
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        self._pool = ThreadPoolExecutor(jobs)

    def check(self) -> None:
        """End the program if tests fail without any fault: then of the way that we run them."""
        is_fine, said = self._judge("", "", "", self._picker.tests)
        if not is_fine:
            raise SystemExit(f"the tests fail without any fault:\n{said}")

    def survivors(self, path: str, made: list[Mutant]) -> list[Mutant]:
        """Return the mutants of a file that no test notices."""
        verdicts = self._pool.map(lambda one: self._lives(path, one), made)
        return [one for one, lives in zip(made, verdicts, strict=True) if lives]

    def _lives(self, path: str, mutant: Mutant) -> bool:
        """Whether no test notices it; those of the file that has most of them are asked first."""
        tests = self._picker.tests_of(path, mutant.line)
        near = Counter(test.partition("::")[0] for test in tests).most_common(1)
        first = [test for test in tests if near and test.startswith(near[0][0])]
        rest = [test for test in tests if test not in first]
        lives = all(
            self._judge(path, mutant.function, mutant.code, some)[0]
            for some in (first, rest)
            if some
        )
        if lives:
            say(f"ALIVE line {mutant.line}: {mutant.name}")
        return lives

    def _judge(self, path: str, function: str, code: str, tests: list[str]) -> tuple[bool, str]:
        worker = self._free.get()
        try:
            patience_s = PATIENCE_S + PATIENCE * self._picker.seconds(tests)
            return worker.judge(math.ceil(patience_s), path, function, code, tests)
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End all of them."""
        self._pool.shutdown()
        for worker in self._workers:
            worker.close()


@contextmanager
def crew(jobs: int) -> Iterator[Crew]:
    """Lend workers, and clear up behind them."""
    with tempfile.TemporaryDirectory() as room:
        found = Crew(Path(room).resolve(), jobs)
        try:
            found.check()
            yield found
        finally:
            found.close()


def copy(folder: Path) -> None:
    """Copy what the tests of the guard need."""
    for name in ("acquire", "tests", "configs", "lightloop", "realtime", "models"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "weights")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tests/conftest.py").unlink()  # it would blame a mutant for what others leave behind


def drawn(every: list[Mutant], most: int) -> list[Mutant]:
    """Return all, or a sample: with one seed, so that whoever asks again gets the same."""
    if len(every) <= most:
        return every
    chosen = set(random.Random(0).sample(range(len(every)), most))
    return [one for place, one in enumerate(every) if place in chosen]


def main() -> int:
    """Judge every mutant, and say which ones live."""
    parser = argparse.ArgumentParser(description="Mutants of the light guard.")
    parser.add_argument("files", nargs="*", help="files to make faults in")
    parser.add_argument("--only", default="", help="mutants whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--most", type=int, default=10**6, help="draw no more of a file")
    asked = parser.parse_args()
    files = asked.files or FILES
    began, alive, n_all = time.monotonic(), list[Mutant](), 0
    explained = tomllib.loads(SURVIVORS.read_text("utf-8"))["survivors"]
    with crew(asked.jobs) as workers:
        for path in files:
            every = mutants(path, (workers.folder / path).read_text("utf-8"))
            made = drawn([one for one in every if asked.only in one.name], asked.most)
            lives = workers.survivors(path, made)
            say(
                f"{path}: {len(made)} mutants, {len(lives)} alive, {time.monotonic() - began:.0f} s"
            )
            n_all, alive = n_all + len(made), alive + lives
    new = [mutant for mutant in alive if mutant.name not in explained]
    say(f"{n_all} mutants, {len(alive)} alive, {len(new)} of them not explained")
    return 1 if new else 0


def say(text: str) -> None:
    """Print a line at once: a run takes minutes."""
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
