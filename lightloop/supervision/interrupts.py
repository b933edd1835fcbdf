"""What a terminal or a logoff sends: each is an order to end, in the dark."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from lightloop.supervision.console_close import outliving_the_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

# Ctrl-Z stops in order, too: a run that stands still in the light is no pause.
WANTED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGBREAK")
KEYS = {"SIGINT": "Ctrl-C", "SIGTSTP": "Ctrl-Z"}


@contextlib.contextmanager
def hearing(note: Callable[[str], object]) -> Iterator[None]:
    """Call `note` with the name of whatever would end this process, and let it live."""

    def hear(number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        note(KEYS.get(name, name))

    names = [name for name in WANTED if hasattr(signal, name)]
    before = {n: signal.signal(getattr(signal, n), hear) for n in names}
    try:
        with outliving_the_console(note):
            yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
