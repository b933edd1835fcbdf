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

    Parameters
    ----------
    on_change
        Called with the reason of each pause as it is asked for, and with "" as it ends.
    on_wait
        Called with the reason once the run really waits, between shots, in its own thread.

    Attributes
    ----------
    reason
        Why the run is paused; empty if it is not.
    """

    def __init__(
        self,
        on_change: Callable[[str], object] = lambda reason: None,
        on_wait: Callable[[str], object] = lambda reason: None,
    ) -> None:
        self._on_change, self._on_wait = on_change, on_wait
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
        self._on_change(reason)

    def end(self) -> None:
        """Let the run go on."""
        was_on, self.reason = self.is_on, ""
        self._may_go_on.set()
        if was_on:
            self._on_change("")

    def wait(self, should_stop: Callable[[], bool]) -> None:
        """Return when the run may go on, or is to end."""
        if not self.is_on:
            return
        self._on_wait(self.reason)
        while not self._may_go_on.wait(LOOK_S):
            if should_stop():
                return
