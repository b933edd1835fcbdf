"""The keeper: another process, which knows of every lease and ends the light if its owner fails.

There is no heartbeat: a thread could go on beating while the loop hangs. A lease has a deadline;
a deadline that passes, or a pipe that closes, is the alarm. All messages are a few bytes.
Who watches the keeper itself reads its promises (`acquire.keeper.pulse`).
The owner's side of this is `acquire.keeper.link`.
"""

from __future__ import annotations

import logging
import struct
import time
from typing import TYPE_CHECKING

import msgspec

from acquire.keeper.pipes import (
    ACK,
    BYE,
    CLOSE,
    DARK,
    HEADS_UP,
    LEASE,
    LEASE_BYTES,
    LONGEST,
    REVOKE,
)
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from acquire.keeper.pipes import Ends

logger = logging.getLogger(__name__)

_RETRY_S = 0.02  # between tries to switch the light off; proposed
_GIVE_UP_S = 30.0  # after so long without success only a person can help; proposed
# Windows may wake us up to 16 ms too soon; a clock that was set back is not waited for.
_WAKINGS, _EARLY_S = 10, 0.02
_KILL_S = 2.0  # to kill the owner and see it end; proposed
_LATE, _GONE = b"-", b"/"  # what a keeper hears when nothing is said
TRY_S = 5.0
"""For one try to switch everything off: drivers that start take up to some seconds; proposed."""


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
    *,
    is_way_free: bool = False,
    promise: Callable[[int], object] = lambda due_ns: None,
    try_s: float = TRY_S,
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
    is_way_free
        Whether the keeper's own way is free while the owner lives: it is then taken at a deadline.
    promise
        Told, before each step that may hang, by when it will have been made; 0: nothing is owed.
    try_s
        How long one try to switch the light off may take, s; it is promised, and not enforced here.
    """
    hands = _Hands(go_dark, kill_owner, promise, try_s)
    deadline_ns, revoked = 0, 0
    while True:
        heard = _hear(ends.leases, deadline_ns, now_ns)
        tag = heard[:1]
        if tag == LEASE and len(heard) == LEASE_BYTES:
            (deadline_ns,) = struct.unpack("<q", heard[1:])
            promise(deadline_ns)
            _answer(ends.leases, ACK + heard[1:])
        elif tag == CLOSE:
            deadline_ns = 0
            promise(0)
        elif tag == _LATE and hands.revoke(ends.orders, grace_ms, is_way_free=is_way_free):
            deadline_ns, revoked = 0, revoked + 1
            promise(0)
            say(logger, logging.CRITICAL, "a lease passed its deadline; its owner went dark")
        elif tag != HEADS_UP:
            return hands.end(tag, revoked, is_leased=deadline_ns != 0)


def _hear(leases: Connection, deadline_ns: int, now_ns: Callable[[], int]) -> bytes:
    """Wait for the owner's next message, but not beyond the deadline (0: for ever)."""
    try:
        wait_s = max(0.0, (deadline_ns - now_ns()) * 1e-9) if deadline_ns else None
        for _ in range(_WAKINGS):
            if leases.poll(wait_s):
                return leases.recv_bytes(LONGEST)
            wait_s = min((deadline_ns - now_ns()) * 1e-9, _EARLY_S)
            if wait_s <= 0:
                break
        return _LATE
    except (EOFError, OSError):
        return _GONE


def _answer(connection: Connection, message: bytes) -> None:
    try:
        connection.send_bytes(message)
    except OSError as error:  # the next thing to be heard is that the owner is gone
        say(logger, logging.WARNING, "the owner's pipe broke: %r", error)


class _Hands:
    """What a keeper can do: order the owner to go dark, kill it, and switch the light off itself.

    See `keep` for what it is given; it promises before each step that may hang.
    """

    def __init__(
        self,
        go_dark: Callable[[], bool],
        kill_owner: Callable[[], None],
        promise: Callable[[int], object],
        try_s: float,
    ) -> None:
        self._go_dark, self._kill_owner = go_dark, kill_owner
        self._promise, self._try_s = promise, try_s

    def revoke(self, orders: Connection, grace_ms: float, *, is_way_free: bool) -> bool:
        """Order the owner to go dark, and return whether it says in time that it did.

        Meanwhile the keeper takes its own way, if that is free.
        """
        self._promise_in(grace_ms * 1e-3 + (self._try_s if is_way_free else 0.0))
        try:
            orders.send_bytes(REVOKE)
            if is_way_free:
                self._try()
            return bool(orders.poll(grace_ms * 1e-3)) and orders.recv_bytes(LONGEST) == DARK
        except (EOFError, OSError):
            return False

    def end(self, tag: bytes, revoked: int, *, is_leased: bool) -> KeeperReport:
        """Leave the light off; an owner that neither ended nor died is killed first."""
        if tag == BYE:
            return KeeperReport("the owner ended in good order", self._insist(), revoked)
        if tag == _GONE:
            why = "the owner died in a lease" if is_leased else "the owner is gone"
            return KeeperReport(why, self._insist(), revoked)
        why = "a lease passed its deadline" if tag == _LATE else "the owner called for help"
        trouble = self._kill()
        is_dark = self._insist()
        logger.critical("%s: it was killed, and the light switched off", why, exc_info=trouble)
        return KeeperReport(why, is_dark, revoked, was_killed=True)

    def _try(self) -> None:
        """Switch the light off once; whether that helped is asked again when the owner is gone."""
        try:
            self._go_dark()
        except Exception as error:  # any driver may raise anything; the owner is still to be asked
            say(logger, logging.WARNING, "the keeper cannot reach the light: %r", error)

    def _kill(self) -> Exception | None:
        """Return why the owner could not be killed; None if it was."""
        self._promise_in(_KILL_S)
        try:
            self._kill_owner()
        except Exception as error:  # the light is still to be switched off; said after that
            return error
        return None

    def _insist(self) -> bool:
        """Switch the light off, again and again until it is; give up after half a minute."""
        is_dark = _until_dark(self._go_dark, lambda: self._promise_in(self._try_s))
        self._promise_in(self._try_s)  # to end
        return is_dark

    def _promise_in(self, seconds: float) -> None:
        self._promise(time.perf_counter_ns() + round(seconds * 1e9))


def _until_dark(go_dark: Callable[[], bool], promise: Callable[[], object]) -> bool:
    """Switch the light off, again and again until it is; give up after half a minute."""
    until_s = time.perf_counter() + _GIVE_UP_S
    has_told = False
    while True:
        trouble = "and it is still on"
        promise()
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
