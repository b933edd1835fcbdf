from __future__ import annotations

import logging
import threading
import time

from acquire.say import say

logger = logging.getLogger("test.say")


class Stuck(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.freed = threading.Event()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.freed.wait(10)
        self.said.append(record.getMessage())


def test_words_are_said_by_the_one_who_speaks(caplog) -> None:
    say(logger, logging.WARNING, "light %r is on", "488")
    (record,) = caplog.records
    assert record.getMessage() == "light '488' is on"
    assert record.filename == "test_say.py"
    assert record.threadName == threading.current_thread().name


def test_words_that_nobody_wants_to_hear_cost_no_thread() -> None:
    logger.setLevel(logging.ERROR)
    say(logger, logging.WARNING, "hm")
    logger.setLevel(logging.NOTSET)


def test_words_are_said_where_no_thread_can_be_had(monkeypatch, caplog) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    say(logger, logging.WARNING, "light %r is on", "488")
    assert caplog.messages == ["light '488' is on"]


def test_a_log_that_blocks_costs_a_moment_once_and_a_bounded_number_of_threads() -> None:
    handler = Stuck()
    logger.addHandler(handler)
    before = set(threading.enumerate())
    begin = time.monotonic()
    for number in range(1000):
        say(logger, logging.WARNING, "%d", number)
    took_s = time.monotonic() - begin
    waiting = set(threading.enumerate()) - before
    handler.freed.set()
    for thread in waiting:
        thread.join(10)
    logger.removeHandler(handler)
    assert took_s < 5
    assert 1 < len(waiting) <= 33
    assert "0" in handler.said
