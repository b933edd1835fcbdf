"""Fuzz what reads the wire: `python -m tests.fuzz.decoder --minutes 10`.

With atheris (`pip install .[fuzz]`, Linux) libFuzzer chooses the bytes by the branches of our code
that they reach; without it true messages are damaged at random. Either way every input goes to both
decoders and to a desk with a socket of paper, and only `BadMessage` may come out.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zmq

from realtime import wire
from realtime.errors import BadMessage
from realtime.stream.desk import Desk
from realtime.wire import Ack, Command, Hello, Notice, decode_from_client, decode_from_hub, encode
from tests.unit import run_samples as samples

TOKEN = "token"


class Paper:
    """Stands for a ROUTER socket: reads from a list, and forgets what it is given."""

    def __init__(self) -> None:
        self.inbox: list[list[bytes]] = []

    def poll(self, _: int) -> bool:
        return bool(self.inbox)

    def getsockopt(self, _: int) -> int:
        return zmq.POLLIN if self.inbox else 0

    def recv_multipart(self, flags: int = 0) -> list[bytes]:
        del flags
        return self.inbox.pop(0)

    def send(self, part: bytes, flags: int = 0) -> None:
        del part, flags

    def send_multipart(self, parts: list[bytes], flags: int = 0) -> None:
        del parts, flags


def seeds() -> list[bytes]:
    """Return one true message of most kinds."""
    messages: list[wire.FromClient | wire.FromHub] = [
        Hello("worker", "shots", 1, token=TOKEN), Ack(3, 1), Command("stop_light", TOKEN, "id", 1),
        Notice("info", "hi"), samples.result(0, (0,)),
        wire.DecisionMessage(samples.decision(0, (0,))), wire.Gap(1, 2, "why"), samples.end(3),
        wire.Refused("why"), wire.FrameDue(), wire.ClockPair(1, 2, 3.0),
    ]  # fmt: skip
    return [encode(message) for message in messages]


class Target:
    """Takes bytes as the network would bring them."""

    def __init__(self) -> None:
        self.n, self.n_good = 0, 0
        self._socket = Paper()
        self._desk = Desk(self._socket, TOKEN, b"start", 8, "event", lambda _: None)  # type: ignore[arg-type]  # paper

    def __call__(self, packet: bytes) -> None:
        """Feed one input to everything that reads.

        Raises
        ------
        Exception
            Whatever is not `BadMessage`: a finding.
        """
        self.n += 1
        for decode in (decode_from_client, decode_from_hub):
            try:
                message = decode(packet)
            except BadMessage:
                continue
            self.n_good += 1
            again = decode(encode(message))
            assert type(again) is type(message)
        self._socket.inbox.append([b"worker", packet])
        before = self._desk.refused
        self._desk.serve()
        assert self._desk.refused in (before, before + 1)
        assert not self._socket.inbox


def damaged(rng: random.Random, known: list[bytes]) -> Iterator[bytes]:
    """Yield true messages with bytes changed, cut, doubled or swapped, and pure noise."""
    while True:
        packet = bytearray(rng.choice(known))
        for _ in range(rng.randint(0, 4)):
            place = rng.randrange(len(packet) + 1)
            match rng.randrange(5):
                case 0 if place < len(packet):
                    packet[place] = rng.randrange(256)
                case 1:
                    del packet[place : place + rng.randint(1, 8)]
                case 2:
                    packet[place:place] = rng.randbytes(rng.randint(1, 8))
                case 3:
                    other = rng.choice(known)
                    packet[place:] = other[rng.randrange(len(other)) :]
                case _:
                    packet = bytearray(rng.randbytes(rng.randint(0, 200)))
        yield bytes(packet)


def at_random(seconds: float, seed: int) -> Target:
    """Draw damaged messages for so long; an exception ends it, and its bytes are in the message."""
    target, rng = Target(), random.Random(seed)
    until = time.perf_counter() + seconds
    for packet in damaged(rng, seeds()):
        try:
            target(packet)
        except Exception as error:
            raise AssertionError(f"{packet.hex()} (seed {seed})") from error
        if time.perf_counter() > until:
            break
    return target


def main() -> None:
    """Fuzz for as many minutes as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(np.random.default_rng().integers(2**31)))
    asked = parser.parse_args()
    try:
        import atheris
    except ImportError:
        target = at_random(asked.minutes * 60, asked.seed)
        counts = f"{target.n} inputs at random (seed {asked.seed}), {target.n_good} well formed"
        sys.stdout.write(f"{counts}: nothing found\n")
        return
    atheris.instrument_all()
    limits = [f"-max_total_time={int(asked.minutes * 60)}", "-max_len=4096", "-print_final_stats=1"]
    with tempfile.TemporaryDirectory() as corpus:
        for n, packet in enumerate(seeds()):
            (Path(corpus) / str(n)).write_bytes(packet)
        atheris.Setup([sys.argv[0], corpus, f"-seed={asked.seed}", *limits], Target())
        atheris.Fuzz()


if __name__ == "__main__":
    main()
