"""What a terminal or a logoff sends is heard by the supervisor alone, and called by its name."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from lightloop.supervision.interrupts import KEYS, WANTED

HERE = [name for name in WANTED if hasattr(signal, name)]
# In a process of its own: whoever runs the tests has ways of its own to hear signals.
HEARS_TWICE = """
import signal, sys
from lightloop.supervision.interrupts import hearing
number, heard = getattr(signal, sys.argv[1]), []
before = signal.getsignal(number)
with hearing(heard.append):
    signal.raise_signal(number)
    signal.raise_signal(number)
assert signal.getsignal(number) is before
print(*heard)
"""


@pytest.mark.parametrize("name", HERE)
def test_whatever_would_end_the_supervisor_is_heard_and_does_not_end_it(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEARS_TWICE, name], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [KEYS.get(name, name)] * 2
