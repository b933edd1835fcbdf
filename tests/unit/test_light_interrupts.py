"""Whatever cuts the guard off, between any two of its lines: dark, and booked."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from acquire.light.source import LightSource
from tests.light_bench import DIODE, LASER, Stand, ask, stand, take

ROOM = "/acquire/light/"


class Strike:
    """Raises at one line of the guard's own files, of those that one exposure runs."""

    def __init__(self, line: int, error: type[BaseException]) -> None:
        self.line, self.error, self.seen, self.where = line, error, 0, ""

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename.replace("\\", "/")
        return self._in_guard if ROOM in name else None

    def _in_guard(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.seen += 1
            if self.seen == self.line:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise self.error
        return self._in_guard


def exposed(at: Stand, channel: str, strike: Strike) -> None:
    """Take an exposure that is struck; what comes of it is looked at after."""
    before = sys.gettrace()
    sys.settrace(strike)
    try:
        take(at, ask(channel=channel))
    except (KeyboardInterrupt, MemoryError):
        pass
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("source", [LASER, DIODE], ids=["blanked", "not blanked"])
def test_an_exposure_that_is_cut_off_at_any_line_of_the_guard_is_dark_and_booked(
    source: LightSource, error: type[BaseException]
) -> None:
    take(stand(source), ask(channel=source.name))  # unharmed, and seen by who counts lines
    line, was_struck = 0, True
    while was_struck:
        line += 1
        at, strike = stand(source), Strike(line, error)
        exposed(at, source.name, strike)
        was_struck = strike.where != ""
        assert at.bench.is_dark, strike.where
        shone = at.bench.lit_s.get(source.name, 0.0)
        assert at.ledger.spent(0, source.name) >= shone * (1 - 1e-3), strike.where
    assert line > 300
