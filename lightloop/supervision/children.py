"""The processes of a run as the supervisor sees them: how each is started, what it last said."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.process
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from acquire.errors import KeeperLost
from acquire.pipe import new_pipe
from lightloop.processes.link import FromChild, Go, Ready, Stop, pack, unpack_from_child
from lightloop.supervision.entry import enter

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from lightloop.task import RunTask
    from realtime.stream.address import Address

logger = logging.getLogger(__name__)

SPAWN = multiprocessing.get_context(
    "spawn"
)  # never fork: sockets, threads and Qt do not survive it
RESTARTS_PER_MINUTE = 3
READY_S = 60.0  # a process that needs longer to begin will never do so; proposed
KILLED_S = 2.0  # for the system to end a process that is killed; proposed


@dataclass
class Child:
    """One process of a run."""

    name: str
    process: BaseProcess
    pipe: Connection
    is_ready: bool = False
    has_answered: bool = False  # the worker, once: whatever is slow the first time is behind it
    has_finished: bool = False
    failure: str = ""
    is_dark: bool = False  # it said that it switched the light off, and that no more will come
    started_s: float = field(default_factory=time.monotonic)
    start_s: float = 0.0  # how long it took until it was ready

    def tell(self, message: Go | Stop) -> None:
        """Send a message; a child that is gone needs none."""
        try:
            self.pipe.send_bytes(pack(message))
        except OSError:
            self.is_ready = False

    def hear(self) -> FromChild | None:
        """Return the next message, or None if there is none (any more)."""
        try:
            message = unpack_from_child(self.pipe.recv_bytes()) if self.pipe.poll() else None
        except (EOFError, OSError, msgspec.MsgspecError):
            return None
        if isinstance(message, Ready):
            self.start_s = time.monotonic() - self.started_s
        return message

    @property
    def is_due(self) -> bool:
        """Whether it can be expected to answer: it has done so before, or had time enough.

        A worker that is ready may still need seconds for its first shot on a slow computer; no
        light is given meanwhile.
        """
        return self.has_answered or time.monotonic() - self.started_s > READY_S

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.is_alive()

    def end(self, timeout_s: float) -> None:
        """Wait for the process to end; kill it if it does not."""
        self.process.join(timeout_s)
        if self.process.is_alive():
            self.kill()
        self.pipe.close()

    def kill(self) -> bool:
        """Kill the process, and return whether it has ended.

        One that waits in the kernel for a device that hangs may not end at all: nobody waits for it
        for ever, neither here nor at our own end, for the light is more urgent.
        """
        with contextlib.suppress(PermissionError):  # Windows, of one that was killed and still ends
            self.process.kill()
        self.process.join(KILLED_S)
        if not self.process.is_alive():
            return True
        logger.critical("the %s process cannot be killed: a driver holds it", self.name)
        # Python itself waits for every process in this set before it ends.
        multiprocessing.process._children.discard(self.process)  # type: ignore[attr-defined]  # noqa: SLF001
        return False


@dataclass
class Family:
    """All processes of a run, by name."""

    task: RunTask
    children: dict[str, Child] = field(default_factory=dict)
    _deaths: dict[str, list[float]] = field(default_factory=dict)

    def start(self, name: str, *pipes: Any, called: str = "") -> Child:
        """Spawn `lightloop.processes.NAME`; the given pipe ends become the child's alone.

        `called` tells it from others that do the same work.
        """
        called = called or name
        ours, theirs = new_pipe()
        task_json = msgspec.json.encode(self.task)
        args = (name, task_json, theirs, *pipes)
        process = SPAWN.Process(target=enter, args=args, name=called)
        process.start()
        theirs.close()
        for pipe in pipes:
            for end in pipe if isinstance(pipe, list) else [pipe]:
                if hasattr(end, "close"):
                    end.close()  # or its closing in the child would never be seen
        child = self.children[called] = Child(called, process, ours)
        return child

    def restart(self, name: str, address: Address | None) -> bool:
        """Start a listener again, if it has not died too often; return whether it was started."""
        now_s = time.monotonic()
        recent = [t for t in self._deaths.get(name, []) if now_s - t < 60.0]
        if len(recent) >= RESTARTS_PER_MINUTE:
            return False
        self._deaths[name] = [*recent, now_s]
        self.children[name].pipe.close()
        self.start(name).tell(Go(address))
        return True

    def tell_all(self, message: Go | Stop, *names: str) -> None:
        """Send a message to the named children that there are."""
        for name in names:
            if name in self.children:
                self.children[name].tell(message)

    def are_ready(self, *names: str) -> bool:
        """Whether the named children that there are have said so."""
        return all(self.children[n].is_ready for n in names if n in self.children)

    def pids(self) -> dict[str, int]:
        """Return the process numbers of those that run, our own included."""
        running = {n: c.process.pid for n, c in self.children.items() if c.is_alive}
        return {"supervisor": os.getpid()} | {n: pid for n, pid in running.items() if pid}


def wait_until_ready(child: Child) -> None:
    """Wait for a process without which there is no light.

    Raises
    ------
    KeeperLost
        If it does not start.
    """
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s and not child.failure:
        if child.pipe.poll(0.1):
            message = child.hear()
            if isinstance(message, Ready):
                child.is_ready = True
                return
            child.failure = getattr(message, "reason", "it has ended")
    why = child.failure or f"it is not ready after {READY_S:.0f} s"
    raise KeeperLost(f"the process {child.name!r} does not start: {why}; no keeper, no light")
