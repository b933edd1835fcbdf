"""The cast of a bench: each role is a process of its own, as in a run, and none is left behind."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, TypeVar

from acquire.pipe import new_pipe
from realtime.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from multiprocessing.connection import Connection

LEAVE_S = 10.0
Order = TypeVar("Order")


def start_role(
    stack: ExitStack, role: Callable[[Connection, Order], None], order: Order
) -> Connection:
    """Start a role as a process of its own; the stack sees to it that none is left."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = new_pipe()
    process = spawn.Process(target=role, args=(theirs, order), name=role.__name__, daemon=True)
    process.start()
    theirs.close()

    def leave() -> None:
        ours.close()
        process.join(LEAVE_S)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()

    stack.callback(leave)
    return ours


def hear(pipe: Connection, who: str) -> bytes:
    """Return the next words of a role.

    Raises
    ------
    StreamError
        If it died.
    """
    try:
        return pipe.recv_bytes()
    except EOFError as error:
        raise StreamError(f"bench stream: the {who} died; its last words are above") from error
