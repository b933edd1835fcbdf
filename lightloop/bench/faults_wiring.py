"""How the processes of a run that is to be broken find the stand that breaks it."""

from __future__ import annotations

import os
from multiprocessing.connection import Client, Connection
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from acquire.pipe import as_connection

if TYPE_CHECKING:
    from lightloop.task import RunTask

HOST = "127.0.0.1"
LEASES, CHART = "leases.txt", "chart.txt"
"""What the keeper was told, and when there was light; one line for each."""

Value: TypeAlias = str | float


class Hello(msgspec.Struct, frozen=True):
    """Who calls; `address` is that of the session's sockets (JSON), from the scope."""

    who: str
    pid: int
    address: str = ""


class Word(msgspec.Struct, frozen=True):
    """What the stand wants of a part: a verb, and its objects."""

    verb: str
    objects: tuple[Value, ...] = ()


class Wiring(msgspec.Struct, frozen=True):
    """Where the stand listens, the key to it, and the folder for what is noted.

    Attributes
    ----------
    is_sabotaged
        The guard's darkening does nothing, so that the bench must notice.
    """

    port: int
    key: str
    folder: str
    is_sabotaged: bool = False

    @classmethod
    def of(cls, task: RunTask) -> Wiring:
        """Return the wiring that a task carries."""
        return msgspec.json.decode(task.sabotage, type=cls)

    def connect(self, who: str, address: str = "") -> Connection:
        """Call the stand, and return the line to it."""
        line = as_connection(Client((HOST, self.port), authkey=self.key.encode()))
        line.send_bytes(msgspec.json.encode(Hello(who, os.getpid(), address)))
        return line
