"""These tests need an NVIDIA graphics card; without one each is skipped, with the reason.

``pytest tests/gpu`` says each time that it measures at once, and all of them again at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.engines.gpu import find_gpu
from models.errors import EngineUnavailable

LINES = pytest.StashKey[list[str]]()


@pytest.fixture(autouse=True, scope="session")
def needs_a_card() -> None:
    try:
        find_gpu()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled engines are kept: one compiles for up to a minute, and is compiled once."""
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Write a line of the page at once: a run that is stopped has still said it."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    lines = request.config.stash.setdefault(LINES, [])

    def say_line(line: str) -> None:
        lines.append(line)
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    return say_line


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(LINES, [])
    if lines:
        terminalreporter.section("times on the graphics card")
        for line in lines:
            terminalreporter.write_line(line)
