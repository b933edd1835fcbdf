"""An exposure that never ends is found out; one that takes its time is not."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from acquire.loop.standstill import LOOKS, Standstill
from acquire.loop.time_watch import TimeWatch


def lease(deadline_ns: int) -> Any:
    return SimpleNamespace(deadline_ns=deadline_ns, channel="488")


def looked(*leases: Any, now_ns: int = 10) -> list[str]:
    """Look once at each of these, and return what was said."""
    said: list[str] = []
    guard: Any = SimpleNamespace(lease=None)
    still = Standstill(guard, said.append, lambda: now_ns)
    for guard.lease in leases:
        still.look()
    return said


def test_an_exposure_that_stays_beyond_its_deadline_is_said_once_to_hang() -> None:
    one = lease(9)
    assert looked(*[one] * LOOKS) == []
    (said,) = looked(*[one] * (3 * LOOKS))
    assert "'488' does not end" in said


def test_an_exposure_within_its_deadline_may_take_for_ever() -> None:
    assert looked(*[lease(10)] * (3 * LOOKS)) == []


def test_exposures_that_end_never_add_up() -> None:
    slow, other = lease(0), lease(0)
    assert looked(*([slow] * LOOKS + [other] * LOOKS) * 3) == []
    assert looked(*([slow] * LOOKS + [None]) * 3) == []


def test_it_is_looked_for_in_the_thread_that_watches_time() -> None:
    is_looked_for = threading.Event()
    watch = TimeWatch(lambda what: None, lambda: 0, lambda: 0, is_looked_for.set)
    watch.start()
    assert is_looked_for.wait(60.0)
    watch.close()
