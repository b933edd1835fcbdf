"""The keeper: another process, which knows of every lease and ends the light if its owner fails.

There is no heartbeat: a thread could go on beating while the loop hangs. A lease has a deadline;
a deadline that passes, or a pipe that closes, is the alarm. All messages are a few bytes.
"""

from __future__ import annotations

import logging
import multiprocessing
import struct
import threading
import time
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import KeeperLost
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

# What the owner says: a lease until a time, the light is off, help, we part in good order.
_LEASE, _CLOSE, _ALARM, _BYE = b"L", b"C", b"X", b"B"
_HEADS_UP = b"H"  # a lease will be asked for in a moment: nothing to do but to be awake
# What the keeper says: I have the lease, go dark at once. What the owner answers to that.
_ACK, _REVOKE, _DARK, _LIT = b"A", b"R", b"D", b"N"
_LEASE_BYTES = 9  # the tag, and the deadline
_LONGEST = 16  # bytes; a longer message is not ours
_ACK_S = 0.2  # a keeper that needs longer is not fit to watch; usual: 0.0001 s; proposed
_MOST_UNHEARD = 64  # heads-ups between two answers; their bytes always fit in a pipe; proposed
_RETRY_S = 0.02  # between tries to switch the light off; proposed
_GIVE_UP_S = 30.0  # after so long without success only a person can help; proposed


class Ends(msgspec.Struct, frozen=True):
    """One side of the two pipes between owner and keeper: leases, and the keeper's own orders.

    Two, so that the thread that spends light and the one that obeys the keeper never wait for each
    other. Whoever made them and is neither of both must close its copies (`close`): a pipe tells of
    a death only when the last copy is gone.
    """

    leases: Connection
    orders: Connection

    def close(self) -> None:
        """Close both pipes on this side."""
        self.leases.close()
        self.orders.close()


def make_pipes() -> tuple[Ends, Ends]:
    """Return the owner's and the keeper's ends of the pipes between them."""
    (ours, theirs), (heard, spoken) = multiprocessing.Pipe(), multiprocessing.Pipe()
    return Ends(ours, heard), Ends(theirs, spoken)


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
        self._announced = b""
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
        self._announced = struct.pack("<q", deadline_ns)
        if not self._is_lost.is_set():
            self._send(_LEASE + self._announced)

    def confirm(self) -> None:
        """Return when the keeper has the lease that was announced.

        Raises
        ------
        KeeperLost
            If the keeper is gone, or does not answer within 200 ms.
        """
        answer = b""
        if not self._is_lost.is_set():
            try:
                if self._ends.leases.poll(_ACK_S):
                    answer = self._ends.leases.recv_bytes(_LONGEST)
            except (EOFError, OSError) as error:
                say(logger, logging.WARNING, "the keeper's pipe broke: %r", error)
        if answer != _ACK + self._announced:
            self._is_lost.set()
            raise KeeperLost("the keeper does not answer: no keeper, no light; start the run anew")
        self._unheard = 0

    def close(self) -> None:
        """Tell that the light is off."""
        self._send(_CLOSE)

    def heads_up(self) -> None:
        """Tell that a lease will be asked for in a moment (`acquire.habit`); never waits.

        Light is on meanwhile. A keeper that does not hear would let the pipe fill up, so only a few
        are sent until it has answered again; and a thread that is speaking is not waited for.
        """
        if self._unheard >= _MOST_UNHEARD or not self._sending.acquire(blocking=False):
            return
        try:
            self._unheard += 1
            self._ends.leases.send_bytes(_HEADS_UP)
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
        if not self._send(_ALARM):
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
        self._send(_BYE)
        self._wake.send_bytes(_BYE)
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
                orders.recv_bytes(_LONGEST)
            except (EOFError, OSError):
                self._is_lost.set()
                is_dark = go_dark()
                say(logger, logging.CRITICAL, "the keeper is gone: %s", _state(is_dark))
                return
            is_dark = go_dark()
            try:
                orders.send_bytes(_DARK if is_dark else _LIT)
            except OSError as error:
                say(logger, logging.WARNING, "the keeper does not hear the answer: %r", error)
            say(logger, logging.CRITICAL, "the keeper ordered darkness: %s", _state(is_dark))


def _state(is_dark: bool) -> str:
    return "it is dark" if is_dark else "it is NOT known to be dark"


class KeeperReport(msgspec.Struct, frozen=True):
    """How a keeper's watch ended.

    Attributes
    ----------
    why
        What ended it, in words.
    is_dark
        Whether the keeper's own way to the light says that it is dark.
    revoked
        Leases that passed their deadline, and that the owner then ended when it was told to.
    was_killed
        Whether the owner had to be killed.
    """

    why: str
    is_dark: bool
    revoked: int = 0
    was_killed: bool = False


def keep(
    ends: Ends,
    go_dark: Callable[[], bool],
    kill_owner: Callable[[], None],
    now_ns: Callable[[], int] = time.perf_counter_ns,
    grace_ms: float = 100.0,
) -> KeeperReport:
    """Watch over the leases of an owner until it ends, and leave the light off.

    Parameters
    ----------
    ends
        The keeper's ends of the pipes.
    go_dark
        The keeper's own way to every light; returns whether all are read back as dark.
    kill_owner
        Ends the owner's process, which frees its ports.
    now_ns
        The clock of the deadlines: `perf_counter_ns`, one for all processes of a machine.
    grace_ms
        Time that the owner has to go dark by itself, ms.
    """
    deadline_ns, revoked = 0, 0
    while True:
        heard = _hear(ends.leases, deadline_ns, now_ns)
        tag = heard[:1]
        if tag == _LEASE and len(heard) == _LEASE_BYTES:
            (deadline_ns,) = struct.unpack("<q", heard[1:])
            _answer(ends.leases, _ACK + heard[1:])
        elif tag == _CLOSE:
            deadline_ns = 0
        elif tag == _HEADS_UP:
            continue
        elif tag == _BYE:
            return KeeperReport("the owner ended in good order", _insist(go_dark), revoked)
        elif tag == _GONE:
            why = "the owner died in a lease" if deadline_ns else "the owner is gone"
            return KeeperReport(why, _insist(go_dark), revoked)
        elif tag == _LATE and _revoke(ends.orders, grace_ms):
            deadline_ns, revoked = 0, revoked + 1
            say(logger, logging.CRITICAL, "a lease passed its deadline; its owner went dark")
        else:
            why = "a lease passed its deadline" if tag == _LATE else "the owner called for help"
            trouble = _kill(kill_owner)
            is_dark = _insist(go_dark)
            logger.critical("%s: it was killed, and the light switched off", why, exc_info=trouble)
            return KeeperReport(why, is_dark, revoked, was_killed=True)


# What a keeper hears when nothing is said.
_LATE, _GONE = b"-", b"/"


def _hear(leases: Connection, deadline_ns: int, now_ns: Callable[[], int]) -> bytes:
    """Wait for the owner's next message, but not beyond the deadline (0: for ever)."""
    try:
        wait_s = max(0.0, (deadline_ns - now_ns()) * 1e-9) if deadline_ns else None
        return leases.recv_bytes(_LONGEST) if leases.poll(wait_s) else _LATE
    except (EOFError, OSError):
        return _GONE


def _answer(connection: Connection, message: bytes) -> None:
    try:
        connection.send_bytes(message)
    except OSError as error:  # the next thing to be heard is that the owner is gone
        say(logger, logging.WARNING, "the owner's pipe broke: %r", error)


def _revoke(orders: Connection, grace_ms: float) -> bool:
    """Order the owner to go dark, and return whether it says in time that it did."""
    try:
        orders.send_bytes(_REVOKE)
        return bool(orders.poll(grace_ms * 1e-3)) and orders.recv_bytes(_LONGEST) == _DARK
    except (EOFError, OSError):
        return False


def _kill(kill_owner: Callable[[], None]) -> Exception | None:
    """Return why the owner could not be killed; None if it was."""
    try:
        kill_owner()
    except Exception as error:  # the light is still to be switched off; said after that
        return error
    return None


def _insist(go_dark: Callable[[], bool]) -> bool:
    """Switch the light off, again and again until it is; give up after half a minute."""
    until_s = time.perf_counter() + _GIVE_UP_S
    has_told = False
    while True:
        trouble = "and it is still on"
        try:
            if go_dark():
                return True
        except Exception as error:  # any driver may raise anything; the next try is due
            trouble = f"and it cannot be reached: {error!r}"
        if time.perf_counter() > until_s:
            logger.critical("the keeper gave up to switch the light off, %s", trouble)
            return False
        if not has_told:
            has_told = True
            say(logger, logging.CRITICAL, "the keeper switched the light off, %s", trouble)
        time.sleep(_RETRY_S)
