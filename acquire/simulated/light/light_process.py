"""The light box as a program of its own, for whoever loads the simulated scope by a `.cfg` file.

`python -m acquire.simulated.light.light_process` says on its output where it listens; its owner
connects with the key that it wrote to the program's input, and sends the lines. The program ends,
dark, when its owner lets go of it or dies.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from multiprocessing.connection import Client, Listener
from typing import TYPE_CHECKING, cast

import msgspec

from acquire.errors import DeviceMissing
from acquire.pipe import as_connection
from acquire.simulated.light.light_box import LightBoxClient, serve
from acquire.simulated.light.light_words import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

TIMEOUT_S = 5.0
ORPHAN_S = 60.0
_ADDRESS = msgspec.json.Decoder(str | tuple[str, int])


class LightProcess:
    """A light box in a process of its own, and this process's end of the pipe to it.

    Attributes
    ----------
    light
        The box.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        key = secrets.token_hex(16)
        stdin, stdout = self._pipes()
        stdin.write(f"{key}\n".encode())
        stdin.flush()
        if not (said := stdout.readline()):
            self._end()
            raise DeviceMissing("the light box's process ended before it began; see its output")
        connection = as_connection(Client(_ADDRESS.decode(said), authkey=key.encode()))
        connection.send_bytes(msgspec.msgpack.encode(tuple(lines)))
        self.light = LightBoxClient(connection, TIMEOUT_S)

    def close(self) -> None:
        """Let go of the box, which goes dark and ends."""
        self.light.close()
        self._end()

    def _end(self) -> None:
        for pipe in self._pipes():
            pipe.close()
        try:
            self._process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        return cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)


def main() -> None:
    """Be the light box of whoever started this program."""
    key = sys.stdin.buffer.readline().strip()
    with Listener(authkey=key) as listener:
        sys.stdout.buffer.write(msgspec.json.encode(listener.address) + b"\n")
        sys.stdout.buffer.flush()
        orphaned = threading.Timer(ORPHAN_S, os._exit, [1])  # its owner died; nothing is lit yet
        orphaned.daemon = True
        orphaned.start()
        connection = as_connection(listener.accept())
        orphaned.cancel()
    lines = msgspec.msgpack.decode(connection.recv_bytes(), type=tuple[Line, ...])
    serve([connection], lines)


if __name__ == "__main__":
    main()
