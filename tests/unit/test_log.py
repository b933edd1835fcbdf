from __future__ import annotations

import logging
import threading

import pytest

from lightloop.log import MOST_WAITING, unblocked


class Stuck(logging.Handler):
    """A terminal after Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.freed = threading.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.freed.wait()
        self.lines.append(record.getMessage())


@pytest.fixture
def stuck() -> Stuck:
    return Stuck()


def test_nobody_waits_for_a_log_that_nobody_reads(
    stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [stuck])
    monkeypatch.setattr("lightloop.log.LAST_WORDS_S", 0.01)
    with unblocked():
        for n in range(2 * MOST_WAITING):
            logging.getLogger("keeper").critical("line %d", n)
    assert logging.getLogger().handlers == [stuck]
    stuck.freed.set()  # lets the writing thread go


def test_every_line_of_a_log_that_is_read_arrives_in_order(
    stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [stuck])
    stuck.freed.set()
    with unblocked():
        for n in range(50):
            logging.getLogger("scope").warning("line %d", n)
    assert stuck.lines == [f"line {n}" for n in range(50)]
