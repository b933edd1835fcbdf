"""A bell: any thread rings it, and one that waits at its sockets wakes up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import zmq

if TYPE_CHECKING:
    from realtime.stream.sockets import Socket


class Bell:
    """Wakes one thread; it has to be rung no second time before that has heard it.

    Attributes
    ----------
    ear
        What the woken thread polls, besides its own sockets.
    """

    def __init__(self, context: zmq.Context[Socket]) -> None:
        self._lock = threading.Lock()  # a socket belongs to one thread at a time
        self._is_rung = False
        self._hand = context.socket(zmq.PAIR)
        self.ear = context.socket(zmq.PAIR)
        endpoint = f"inproc://bell-{id(self)}"
        self.ear.bind(endpoint)
        self._hand.connect(endpoint)

    def ring(self) -> None:
        """Wake the thread, unless it was woken and has not heard it yet."""
        if not self._is_rung:
            with self._lock:
                self._is_rung = True
                self._hand.send(b"")

    def hear(self) -> None:
        """Take note that the bell was rung; called by the woken thread, when `ear` is readable."""
        self.ear.recv()
        self._is_rung = False

    def close(self) -> None:
        """Let go of the sockets; called when no thread rings or waits any more."""
        self._hand.close()
        self.ear.close()
