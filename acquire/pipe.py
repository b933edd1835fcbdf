"""Pipes between processes under one type: on Windows their ends have another, and do the same."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def new_pipe() -> tuple[Connection, Connection]:
    """Return both ends of a new pipe; both send and receive."""
    one, other = multiprocessing.Pipe()
    return as_connection(one), as_connection(other)


def as_connection(end: Any) -> Connection:
    """Return the end of a pipe as what it is used as: it takes and gives bytes."""
    return cast("Connection", end)
