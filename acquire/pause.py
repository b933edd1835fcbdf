"""Pause: between two shots, in the dark, until a person says go on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S = 0.1  # how soon a run that is told to end leaves its pause


class Pause:
    """Where a run waits while somebody wants it to; any thread may pause it and let it go on.

    Light that was given is spent: a run goes on with its next shot, and takes none again.

    Attributes
    ----------
    reason
        Why the run is paused; empty if it is not.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._may_go_on = threading.Event()
        self._may_go_on.set()

    @property
    def is_on(self) -> bool:
        """Whether the run is to wait."""
        return not self._may_go_on.is_set()

    def begin(self, reason: str) -> None:
        """Let the run wait before its next shot."""
        self.reason = reason
        self._may_go_on.clear()

    def end(self) -> None:
        """Let the run go on."""
        self.reason = ""
        self._may_go_on.set()

    def wait(self, should_stop: Callable[[], bool]) -> None:
        """Return when the run may go on, or is to end."""
        while not self._may_go_on.wait(LOOK_S):
            if should_stop():
                return
