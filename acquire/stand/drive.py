"""Moves that end: a device is waited for, in the dark, until it rests or its time is over."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from acquire.errors import DeviceMissing, StageError, StageTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.core import Core
    from acquire.errors import ScopeError

GRACE_S = 0.5  # for a thread to say what it found; proposed
LOOK_S = 5e-4  # how often a device that moves is asked whether it rests; proposed


class Driver:
    """Gives commands that move things; no light of ours is on meanwhile.

    A driver that never comes back is left alone in its thread: the run ends, and nobody waits.

    Parameters
    ----------
    timeout_s
        Longest time for one command, and for the device to come to rest, s.
    """

    def __init__(self, core: Core, timeout_s: float) -> None:
        self._core, self._timeout_s = core, timeout_s

    def carry_out(
        self,
        what: str,
        labels: Iterable[str],
        command: Callable[[], object],
        refused: type[ScopeError] = StageError,
    ) -> None:
        """Give a command, and return when its devices rest.

        Raises
        ------
        StageTimeout
            If the command does not return, or the device does not rest, in time.
        StageError
            If a device refuses; or the error `refused`.
        """
        until = time.perf_counter() + self._timeout_s

        def work() -> None:
            command()
            for label in labels:
                self._rest(what, label, until)

        error = self._call(what, work, until)
        if error is None:
            return
        is_known = isinstance(error, (refused, StageError, DeviceMissing))
        if is_known or not isinstance(error, Exception):
            raise error
        raise refused(f"{what} failed: {error}") from error

    def _rest(self, what: str, label: str, until: float) -> None:
        while self._core.deviceBusy(label):
            if time.perf_counter() > until:
                raise StageTimeout(
                    f"{what}: {label!r} is still moving after {self._timeout_s:g} s "
                    "(stage.timeout_s); look for what blocks it"
                )
            time.sleep(LOOK_S)

    def _call(self, what: str, work: Callable[[], None], until: float) -> BaseException | None:
        """Do something that a driver may never return from; return the error that it raised."""
        trouble: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:  # handed to whoever asked for the move
                trouble.append(error)

        thread = threading.Thread(target=run, name=what, daemon=True)
        thread.start()
        thread.join(max(0.0, until - time.perf_counter()))
        thread.join(GRACE_S)  # after a sleep of the computer, too
        if thread.is_alive():
            raise StageTimeout(
                f"{what}: the driver has not come back after {self._timeout_s:g} s "
                "(stage.timeout_s); switch the device off and on"
            )
        return trouble[0] if trouble else None
