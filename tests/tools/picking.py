"""Which tests run a line of code: a fault in it has to be noticed by one of these, or by none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

TOOK = re.compile(r"^([\d.]+)s (?:call|setup|teardown) +(\S.*)$", re.MULTILINE)


class Picker:
    """Runs all tests once, under coverage, and knows from then on who runs what and how long.

    Parameters
    ----------
    folder
        The copy of the house in which the tests are run.
    """

    def __init__(self, folder: Path, tests: Iterable[str], options: Iterable[str]) -> None:
        import coverage

        data = folder / "who-runs-what.coverage"
        command = [
            sys.executable, "-m", "pytest", *options, *tests, "--cov=acquire", "--cov-branch",
            "--cov-context=test", "--cov-report=", "--durations=0", "-vv",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "COVERAGE_FILE": str(data)},
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"the tests fail without any fault:\n{done.stdout[-2000:]}")
        self._folder = folder
        self._seconds: dict[str, float] = {}
        for seconds, test in TOOK.findall(done.stdout):
            self._seconds[test] = self._seconds.get(test, 0.0) + float(seconds)
        self.tests = sorted(self._seconds)
        self._data = coverage.CoverageData(str(data))
        self._data.read()
        self._runs: dict[str, dict[int, list[str]]] = {}

    def tests_of(self, path: str, line: int) -> list[str]:
        """Return the tests that run a line of a file, the shortest first; none if no test does.

        What stands in the middle of a statement counts as run where its beginning is.
        """
        if path not in self._runs:
            self._runs[path] = self._data.contexts_by_lineno(str(self._folder / path))
        found: list[str] = []
        while not found and line > 0:
            found = [name for name in self._runs[path].get(line, ()) if name]
            line -= 1
        names = {name.rpartition("|")[0] for name in found}
        return sorted(names, key=lambda name: (self._seconds.get(name, 0.0), name))

    def seconds(self, tests: Iterable[str]) -> float:
        """Return how long these tests took without a fault, s."""
        return sum(self._seconds.get(test, 0.0) for test in tests)
