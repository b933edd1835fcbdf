"""What a terminal or a logoff sends is heard by the supervisor alone, and called by its name."""

from __future__ import annotations

import signal

import pytest

from lightloop.interrupts import KEYS, WANTED, hearing

HERE = [name for name in WANTED if hasattr(signal, name)]


@pytest.mark.parametrize("name", HERE)
def test_whatever_would_end_the_supervisor_is_heard_and_does_not_end_it(name: str) -> None:
    number, heard = getattr(signal, name), list[str]()
    before = signal.getsignal(number)
    with hearing(heard.append):
        signal.raise_signal(number)
        signal.raise_signal(number)
    assert heard == [KEYS.get(name, name)] * 2
    assert signal.getsignal(number) is before
