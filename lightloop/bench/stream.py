"""The stream by itself: hub, ring and three listeners, each a process, no microscope, no network.

Sabotage: the publisher keeps one frame from everybody without a word; the bench must miss it.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from lightloop.bench import stream_roles
from lightloop.bench.report import Measured, Options
from lightloop.bench.stream_roles import Heard, Order
from realtime.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

FRAMES = 2000
LEAVE_S = 10.0
LISTENERS = {
    "recorder": stream_roles.recorder,
    "worker": stream_roles.worker,
    "window": stream_roles.window,
}


def run(options: Options) -> Measured:
    """Send frames through, each waiting for its decision, and count what arrived."""
    frames = options.times(FRAMES, least=64)
    with tempfile.TemporaryDirectory(prefix="ll") as folder:
        heard = _perform(Order(folder, frames, frames // 2 if options.sabotage else -1))
    published = heard["publisher"]
    lost = sum(frames - heard[name].n_good for name in ("recorder", "worker"))
    cpu_s = sum(role.cpu_s for role in heard.values())
    return Measured(
        {
            "stream_frames_lost": float(lost),
            "stream_cpu_over_bare": cpu_s / published.bare_cpu_s,
            "stream_round_trip_p50_ms": statistics.median(published.samples_ms),
        },
        {
            "round_trip_ms": published.samples_ms,
            "bare_cpu_ms": [published.bare_cpu_s / frames * 1e3],
            **{f"{name}_cpu_ms": [role.cpu_s / frames * 1e3] for name, role in heard.items()},
        },
    )


def _perform(order: Order) -> dict[str, Heard]:
    """Run every role to its end, and return what each has heard."""
    with ExitStack() as stack:
        hub = _start(stack, stream_roles.publisher, order)
        address = _receive(hub, "publisher")
        pipes = {name: _start(stack, role, order) for name, role in LISTENERS.items()}
        for pipe in pipes.values():
            pipe.send_bytes(address)
        heard = {"publisher": msgspec.json.decode(_receive(hub, "publisher"), type=Heard)}
        for name, pipe in pipes.items():
            heard[name] = msgspec.json.decode(_receive(pipe, name), type=Heard)
        hub.send_bytes(b"thanks")
    return heard


def _start(stack: ExitStack, role: Callable[[Connection, Order], None], order: Order) -> Connection:
    """Start a role as a process of its own; the stack sees to it that none is left."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
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


def _receive(pipe: Connection, who: str) -> bytes:
    try:
        return pipe.recv_bytes()
    except EOFError as error:
        raise StreamError(f"bench stream: the {who} died; its last words are above") from error
