"""Do the tests of the light guard notice a fault in it? Makes many, one at a time, and looks.

    python -m tests.tools.mutate                     all files of the guard
    python -m tests.tools.mutate acquire/light/lease.py    some
    python -m tests.tools.mutate --only Ending       mutants whose name has this in it

It works on a copy, so the checkout is never wrong. A mutant that no test notices must stand in
`survivors.toml` with the reason why it is no fault; else the command ends with status 1.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path

from tests.tools.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
FILES = (
    "light", "shots", "lighting", "ending", "stop_light", "darkness", "alarm", "lease", "bounds",
    "frame_bounds", "slew", "account", "dose/budget", "where", "startup_light",
)  # fmt: skip
TESTS = (
    "tests/unit/test_light.py", "tests/faults/test_light_faults.py", "tests/unit/test_source.py",
    "tests/unit/test_refusals.py", "tests/unit/test_dose.py", "tests/unit/test_startup_light.py",
    "tests/unit/test_light_machine.py",
)  # fmt: skip
OPTIONS = (
    "-x", "-q", "-pno:cacheprovider", "--timeout=0",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # plugins are there already, of the run before
)  # fmt: skip
OURS = ("acquire", "lightloop", "realtime", "models", "tests")
PATIENCE_S = 90.0  # a mutant that hangs is noticed: a run of the tests takes a tenth of it
SURVIVORS = Path(__file__).with_name("survivors.toml")


def work(folder: str, pipe: Connection) -> None:
    """Run the tests on each mutant that comes; the process is warm, only our modules are anew."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    import hypothesis
    import pytest

    quick = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # the simplest fault matters not
    hypothesis.settings.register_profile("mutants", phases=quick, database=None)
    hypothesis.settings.load_profile("mutants")
    while (task := pipe.recv()) is not None:
        path, code = task
        good = Path(path).read_text("utf-8")
        Path(path).write_text(code, "utf-8")
        for name in [
            n for n in sys.modules if n.split(".")[0] in ("acquire", "tests", "lightloop")
        ]:
            del sys.modules[name]
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            status = pytest.main([*OPTIONS, *filter(os.path.exists, TESTS)])
        Path(path).write_text(good, "utf-8")
        is_dirty = threading.active_count() > 1
        pipe.send((int(status), said.getvalue()[-2000:], is_dirty))


class Worker:
    """A process that runs the tests, and is started anew when a mutant has spoilt it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=work, args=(self._folder, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def judge(self, path: str, code: str) -> tuple[bool, str]:
        """Return whether all tests pass, and what pytest said."""
        good = Path(self._folder, path).read_text("utf-8")
        self._pipe.send((path, code))
        try:
            answer = self._pipe.recv() if self._pipe.poll(PATIENCE_S) else None
        except EOFError:
            answer = None
        status, said, is_dirty = answer or (1, "hangs, or ends the process", True)
        if is_dirty:
            self.close()
            Path(self._folder, path).write_text(good, "utf-8")
            self._start()
        return status == 0, said

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def copy(folder: Path) -> None:
    """Copy what the tests of the guard need."""
    for name in ("acquire", "tests", "configs", "lightloop", "realtime", "models"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "weights")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)


def main() -> int:
    """Judge every mutant, and say which ones live."""
    parser = argparse.ArgumentParser(description="Mutants of the light guard.")
    parser.add_argument("files", nargs="*", help="files to make faults in")
    parser.add_argument("--only", default="", help="mutants whose name has this in it")
    asked = parser.parse_args()
    files = asked.files or [f"acquire/{name}.py" for name in FILES]
    began, alive, n_all = time.monotonic(), list[Mutant](), 0
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room).resolve()
        copy(folder)
        worker = Worker(str(folder))
        for path in files:
            made = [
                one
                for one in mutants(path, (folder / path).read_text("utf-8"))
                if asked.only in one.name
            ]
            lives = survivors(worker, path, made)
            say(f"{path}: {len(made)} mutants, {len(lives)} alive")
            n_all, alive = n_all + len(made), alive + lives
        worker.close()
    explained = tomllib.loads(SURVIVORS.read_text("utf-8"))["survivors"]
    new = [mutant for mutant in alive if mutant.name not in explained]
    say(f"{n_all} mutants, {len(alive)} alive, {len(new)} of them not explained")
    say(f"{time.monotonic() - began:.0f} s")
    return 1 if new else 0


def survivors(worker: Worker, path: str, made: list[Mutant]) -> list[Mutant]:
    """Return the mutants of a file that no test notices."""
    is_fine, said = worker.judge(path, (ROOT / path).read_text("utf-8"))
    if not is_fine:
        raise SystemExit(f"the tests fail without any fault:\n{said}")
    alive = []
    for mutant in made:
        if worker.judge(path, mutant.code)[0]:
            alive.append(mutant)
            say(f"ALIVE line {mutant.line}: {mutant.name}")
    return alive


def say(text: str) -> None:
    """Print a line at once: a run takes minutes."""
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
