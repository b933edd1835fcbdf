"""Do the tests of the light guard notice a fault in it? Makes many, one at a time, and looks.

    python -m tests.tools.mutate                         all files of the guard
    python -m tests.tools.mutate acquire/light/lease.py  some
    python -m tests.tools.mutate --only Ending           mutants whose name has this in it
    python -m tests.tools.mutate --tests FILE,FILE       by these alone: quicker, and more live
    python -m tests.tools.mutate --jobs 4                so many at a time; 2 unless told
    python -m tests.tools.mutate --most 40               no more of a file, drawn, always the same

It works on copies, so the checkout is never wrong. First it runs all tests and learns which of them
run which line; a mutant is then shown to those that run its line, the shortest first. One that no
test notices must stand in `survivors.toml` with the reason why it is no fault; else the command
ends with status 1.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.tools.guarded import FILES, ROOT, TESTS
from tests.tools.judging import OPTIONS, PATIENCE, PATIENCE_S, Worker
from tests.tools.mutants import Mutant, mutants
from tests.tools.picking import Picker

SURVIVORS = Path(__file__).with_name("survivors.toml")


class Crew:
    """Some workers, who judge mutants side by side, and what tells them which tests to run."""

    def __init__(self, room: Path, jobs: int, tests: Sequence[str]) -> None:
        folders = [room / f"copy-{number}" for number in range(jobs)]
        for folder in folders:
            copy(folder)
        self.folder = folders[0]
        self._picker = Picker(self.folder, tests, OPTIONS)
        self._workers = [Worker(folder, tests) for folder in folders]
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
def crew(jobs: int, tests: Sequence[str]) -> Iterator[Crew]:
    """Lend workers, and clear up behind them."""
    with tempfile.TemporaryDirectory() as room:
        found = Crew(Path(room).resolve(), jobs, tests)
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
    parser.add_argument("--tests", default="", help="by these alone, with commas between them")
    parser.add_argument("--most", type=int, default=10**6, help="draw no more of a file")
    asked = parser.parse_args()
    files = asked.files or FILES
    began, alive, n_all = time.monotonic(), list[Mutant](), 0
    explained = tomllib.loads(SURVIVORS.read_text("utf-8"))["survivors"]
    with crew(asked.jobs, asked.tests.split(",") if asked.tests else TESTS) as workers:
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
