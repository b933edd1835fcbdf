"""Where the parts of a run call, so that the stand has a line to each."""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener

import msgspec
import psutil

from acquire.pipe import as_connection
from lightloop.bench.faults_wiring import HOST, Hello
from realtime.stream.address import Address


class Switchboard:
    """Takes the calls, in a thread of its own.

    Attributes
    ----------
    port, key
        Where to call, and the secret of a caller.
    lines, pids, processes
        The line to each part, its process number, and the process, which is no other that has got
        that number since; a part that was started anew calls again.
    address
        The session's sockets, once the scope has said it.
    """

    def __init__(self) -> None:
        self.key = secrets.token_hex(16)
        self._listener = Listener((HOST, 0), authkey=self.key.encode())
        self.port = int(self._listener.address[1])
        self.lines: dict[str, Connection] = {}
        self.pids: dict[str, int] = {}
        self.processes: dict[str, psutil.Process] = {}
        self.address: Address | None = None
        self._is_open = True
        self._thread = threading.Thread(target=self._welcome, name="stand", daemon=True)

    def start(self) -> None:
        """Begin to take calls."""
        self._thread.start()

    def close(self) -> None:
        """Hang up."""
        self._is_open = False
        with suppress(OSError):  # one call more, so that the thread looks
            Client((HOST, self.port), authkey=self.key.encode()).close()
        self._thread.join()
        self._listener.close()
        for line in self.lines.values():
            line.close()

    def _welcome(self) -> None:
        while True:
            try:
                line = as_connection(self._listener.accept())
                if not self._is_open:
                    line.close()
                    return
                hello = msgspec.json.decode(line.recv_bytes(), type=Hello)
            except (OSError, EOFError):
                if not self._is_open:
                    return
                continue
            if hello.address:
                self.address = msgspec.json.decode(hello.address, type=Address)
                line.close()
            else:
                if hello.who in self.lines:
                    self.lines[hello.who].close()
                self.lines[hello.who] = line
            with suppress(psutil.NoSuchProcess):  # it has called and is gone already
                self.processes[hello.who] = psutil.Process(hello.pid)
            self.pids[hello.who] = hello.pid


def is_of_a_run(process: psutil.Process) -> bool:
    """Tell a run's processes from others: the stand's own command, and what it spawned."""
    return any("faults_command" in word or "spawn_main" in word for word in process.cmdline())
