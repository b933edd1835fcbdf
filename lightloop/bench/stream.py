"""The stream by itself: hub, ring and three listeners, each a process, no microscope, no network.

Then the transport alone, at the rate of a fast camera (`lightloop.bench.transport`).

Sabotage: the publisher keeps one frame from everybody without a word; the bench must miss it.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack

import msgspec

from lightloop.bench import stream_roles, transport
from lightloop.bench.cast import hear, start_role
from lightloop.bench.report import Measured, Options
from lightloop.bench.stream_roles import Heard, Order

FRAMES = 2000
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
    carried = transport.run(options)
    return Measured(
        {
            **carried.values,
            "stream_frames_lost": float(lost),
            "stream_cpu_over_bare": cpu_s / published.bare_cpu_s,
            "stream_round_trip_p50_ms": statistics.median(published.samples_ms),
        },
        {
            **carried.samples,
            "round_trip_ms": published.samples_ms,
            "bare_cpu_ms": [published.bare_cpu_s / frames * 1e3],
            **{f"{name}_cpu_ms": [role.cpu_s / frames * 1e3] for name, role in heard.items()},
        },
    )


def _perform(order: Order) -> dict[str, Heard]:
    """Run every role to its end, and return what each has heard."""
    with ExitStack() as stack:
        hub = start_role(stack, stream_roles.publisher, order)
        address = hear(hub, "publisher")
        pipes = {name: start_role(stack, role, order) for name, role in LISTENERS.items()}
        for pipe in pipes.values():
            pipe.send_bytes(address)
        heard = {"publisher": msgspec.json.decode(hear(hub, "publisher"), type=Heard)}
        for name, pipe in pipes.items():
            heard[name] = msgspec.json.decode(hear(pipe, name), type=Heard)
        hub.send_bytes(b"thanks")
    return heard
