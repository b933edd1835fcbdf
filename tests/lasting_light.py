"""A light that outlives whoever switched it on, as a real laser does: a box of its own, at a port.

Like a serial port it serves one program at a time: while one holds it, others are turned away.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from pymmcore_plus.experimental.unicore import ShutterDevice, pymm_property

PATIENCE_S = 20.0
_LINKS: list[socket.socket] = []
"""Links of this process, so that none is closed by chance: a core may be collected at any time, and
with it a socket that nobody closed, which warns.
"""


class LastingLight:
    """The box. Only a command makes it dark; the end of whoever gave the last one does not.

    Attributes
    ----------
    events
        Each change: when, host clock ns, and whether it is lit since.
    ignores
        So many programs that come next are never answered: their driver hangs.
    """

    def __init__(self) -> None:
        self.is_lit = False
        self.events: list[tuple[int, bool]] = []
        self.turned_away = self.ignores = 0
        self._ignored: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._held = threading.Lock()
        self._client: socket.socket | None = None
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        """Pull the plug."""
        while _LINKS:
            _LINKS.pop().close()
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"end")
        if self._client is not None and self._held.locked():
            with suppress(OSError):  # its owner, who was killed, may be gone by now
                self._client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for client in self._ignored:
            client.close()
        self._server.close()

    def _serve(self) -> None:
        while True:
            client, _ = self._server.accept()
            first = client.recv(3)
            if first == b"end":
                client.close()
                return
            if self.ignores:
                self.ignores -= 1
                self._ignored.append(client)
                continue
            if not self._held.acquire(timeout=0.0):
                self.turned_away += 1
                client.close()
                continue
            self._client = client
            self._threads.append(threading.Thread(target=self._obey, args=(client,)))
            self._threads[-1].start()

    def _obey(self, client: socket.socket) -> None:
        try:
            with client:
                client.sendall(b"ok")
                while said := client.recv(1):
                    if said in b"01":
                        self.is_lit = said == b"1"
                        self.events.append((time.perf_counter_ns(), self.is_lit))
                    client.sendall(b"1" if self.is_lit else b"0")
        except OSError:
            pass  # its owner was killed; the light stays as it is
        finally:
            self._held.release()


class LastingShutter(ShutterDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """Its Micro-Manager device."""

    def __init__(self) -> None:
        super().__init__()
        self._port, self._link = 0, None

    @pymm_property(name="Port", is_pre_init=True)  # type: ignore[untyped-decorator]
    def port(self) -> str:
        """Where the box listens."""
        return str(self._port)

    @port.setter  # type: ignore[untyped-decorator]
    def _set_port(self, value: str) -> None:
        self._port = int(value)

    def initialize(self) -> None:
        """Take hold of the port; raises if somebody else has it."""
        self._link = socket.create_connection(("127.0.0.1", self._port), PATIENCE_S)
        _LINKS.append(self._link)
        self._link.sendall(b"hey")
        if self._link.recv(2) != b"ok":
            self._link.close()
            raise ConnectionError("another program holds the port")

    def shutdown(self) -> None:
        """Let go of the port; the light stays as it is."""
        if self._link is not None:
            self._link.close()

    def get_open(self) -> bool:
        """Ask the box."""
        return self._ask(b"?")

    def set_open(self, open: bool) -> None:
        """Tell the box."""
        self._ask(b"1" if open else b"0")

    def _ask(self, word: bytes) -> bool:
        link: Any = self._link
        link.sendall(word)
        return bool(link.recv(1) == b"1")
