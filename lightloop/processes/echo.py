"""For `lightloop bench loop`: the same messages, through the same processes, answered at once.

What the loop adds to this is its own; what the machine's scheduler adds is in both.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from acquire.frame import Shot
from realtime.pipeline import Pipeline
from realtime.wire import DecisionMessage, FrameMessage, Result

if TYPE_CHECKING:
    from acquire.frame import Frame
    from lightloop.summary import Tally
    from realtime.client import StreamClient
    from realtime.hub import Hub
    from realtime.steps import Steps

ECHO = "echo"
TIMEOUT_S = 5.0


def echo(hub: Hub, last: Frame, count: int, tally: Tally) -> int:
    """Send the run's last frame again and again, and time each answer; return the last seq."""
    seq, shot = last.info.seq, last.info.shot
    for _ in range(count):
        seq += 1
        shot = Shot(shot.number + 1, shot.position, 1)
        applied = msgspec.structs.replace(last.info.applied, channel=ECHO)
        info = msgspec.structs.replace(last.info, seq=seq, shot=shot, shot_frame=0, applied=applied)
        start_ns = time.perf_counter_ns()
        hub.publish(info, last.pixels)
        got = hub.next_decision(TIMEOUT_S)
        while got is not None and got[1].id != shot.number:
            got = hub.next_decision(TIMEOUT_S)
        if got is None:
            break
        tally.add_latency(ECHO, time.perf_counter_ns() - start_ns)
    return seq


class EchoDesk:
    """The worker's side: answers an echo with the last real answer, under the echo's number."""

    def __init__(self) -> None:
        self._last: tuple[Result, DecisionMessage] | None = None

    def remember(self, result: Result, decision: DecisionMessage) -> None:
        """Keep the last real answer."""
        self._last = result, decision

    def answer(self, client: StreamClient, message: FrameMessage) -> bool:
        """Answer an echo; return False if the frame is a real one."""
        if message.info.applied.channel != ECHO or self._last is None:
            return False
        shot = message.info.shot.number
        result = msgspec.structs.replace(self._last[0], shot=shot)
        decision = msgspec.structs.replace(self._last[1].decision, id=shot)
        client.send(result)
        client.send(DecisionMessage(decision))
        client.ack(message.info.seq, 1)
        return True


class Delayed(Pipeline):
    """Sabotage: a pipeline whose every tenth answer is late, for the bench to notice."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps)
        self._count = 0

    def answer(self) -> tuple[Result, DecisionMessage]:
        """Answer, every tenth time after 200 ms."""
        self._count += 1
        if self._count % 10 == 0:
            time.sleep(0.2)
        return super().answer()
