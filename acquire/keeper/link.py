"""The owner's side: it tells the keeper of every lease, and goes dark when the keeper says so."""

from __future__ import annotations

import logging
import multiprocessing
import struct
import threading
import time
from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from acquire.errors import KeeperLost
from acquire.keeper.pipes import ACK, ALARM, BYE, CLOSE, DARK, HEADS_UP, LEASE, LIT, LONGEST
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.keeper.pipes import Ends

logger = logging.getLogger(__name__)

_ACK_S = 0.2  # a keeper that needs longer is not fit to watch; usual: 0.0001 s; proposed
_MOST_UNHEARD = 64  # heads-ups between two answers; their bytes always fit in a pipe; proposed


class NoKeeper:
    """Nobody watches. For tests, and for simulated light only."""

    def announce(self, deadline_ns: int) -> None:
        """Take no notice."""

    def confirm(self) -> None:
        """Take no notice."""

    def close(self) -> None:
        """Take no notice."""

    def alarm(self) -> None:
        """Say that there is nobody to help."""
        logger.critical("the light does not obey, and there is no keeper")


class KeeperLink:
    """The owner's side: tells the keeper of every lease, and obeys its order to go dark.

    Parameters
    ----------
    ends
        The owner's ends of the pipes.
    """

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._sending = threading.Lock()
        self._is_lost = threading.Event()
        self._unheard = 0
        self._owed: deque[bytes] = deque()  # leases that were announced and not answered yet
        self._listener: threading.Thread | None = None
        self._wake, self._woken = multiprocessing.Pipe()

    @property
    def is_lost(self) -> bool:
        """Whether the keeper is gone; no lease can be had any more."""
        return self._is_lost.is_set()

    def lease(self, deadline_ns: int) -> None:
        """Tell of a lease, and return when the keeper has it; raises as `confirm` does."""
        self.announce(deadline_ns)
        self.confirm()

    def announce(self, deadline_ns: int) -> None:
        """Tell of a lease that is to begin; before any light, `confirm` it."""
        announced = struct.pack("<q", deadline_ns)
        if not self._is_lost.is_set() and self._send(LEASE + announced):
            self._owed.append(announced)

    def confirm(self) -> None:
        """Return when the keeper has the lease that was announced.

        Raises
        ------
        KeeperLost
            If the keeper is gone, or does not answer within 200 ms.
        """
        if self._is_lost.is_set() or not self._is_answered():
            self._is_lost.set()
            raise KeeperLost("the keeper does not answer: no keeper, no light; start the run anew")
        self._unheard = 0

    def _is_answered(self) -> bool:
        """Hear the answer to the lease announced last, and before it, to those that broke off.

        A lease that is refused by a device, or stopped, is never confirmed; its answer still comes.
        """
        until_s = time.perf_counter() + _ACK_S
        leases, is_right = self._ends.leases, False
        try:
            while self._owed and leases.poll(max(0.0, until_s - time.perf_counter())):
                is_right = leases.recv_bytes(LONGEST) == ACK + self._owed.popleft()
                if not is_right:
                    return False
        except (EOFError, OSError) as error:
            say(logger, logging.WARNING, "the keeper's pipe broke: %r", error)
        return is_right and not self._owed

    def close(self) -> None:
        """Tell that the light is off."""
        self._send(CLOSE)

    def heads_up(self) -> None:
        """Tell that a lease will be asked for in a moment (`acquire.loop.habit`); never waits.

        Light is on meanwhile. A keeper that does not hear would let the pipe fill up, so only a few
        are sent until it has answered again; and a thread that is speaking is not waited for.
        """
        if self._unheard >= _MOST_UNHEARD or not self._sending.acquire(blocking=False):
            return
        try:
            self._unheard += 1
            self._ends.leases.send_bytes(HEADS_UP)
        except OSError:  # the next lease, or the listener, says so
            self._is_lost.set()
        finally:
            self._sending.release()

    def alarm(self) -> None:
        """Ask for help: the light is on and does not obey.

        Raises
        ------
        KeeperLost
            If the keeper is gone.
        """
        if not self._send(ALARM):
            raise KeeperLost(
                "the keeper is gone, and the light does not obey: switch it off by hand"
            )

    def obey(self, go_dark: Callable[[], bool]) -> None:
        """Go dark whenever the keeper orders it, or is gone; from a thread, until `end`."""
        self._listener = threading.Thread(
            target=self._listen, args=(go_dark,), name="keeper-listener", daemon=True
        )
        self._listener.start()

    def end(self) -> None:
        """Part in good order: the keeper switches everything off once more, and ends."""
        self._send(BYE)
        self._wake.send_bytes(BYE)
        if self._listener is not None:
            self._listener.join()
        self._wake.close()
        self._woken.close()
        self._ends.close()

    def _send(self, message: bytes) -> bool:
        try:
            with self._sending:  # an alarm may come from another thread than the leases
                self._ends.leases.send_bytes(message)
        except OSError as error:
            self._is_lost.set()
            say(logger, logging.WARNING, "the keeper's pipe broke: %r", error)
            return False
        return True

    def _listen(self, go_dark: Callable[[], bool]) -> None:
        orders = self._ends.orders
        while self._woken not in wait([orders, self._woken]):
            try:
                orders.recv_bytes(LONGEST)
            except (EOFError, OSError):
                self._is_lost.set()
                is_dark = go_dark()
                say(logger, logging.CRITICAL, "the keeper is gone: %s", _state(is_dark))
                return
            is_dark = go_dark()
            try:
                orders.send_bytes(DARK if is_dark else LIT)
            except OSError as error:
                say(logger, logging.WARNING, "the keeper does not hear the answer: %r", error)
            say(logger, logging.CRITICAL, "the keeper ordered darkness: %s", _state(is_dark))


def _state(is_dark: bool) -> str:
    return "it is dark" if is_dark else "it is NOT known to be dark"
