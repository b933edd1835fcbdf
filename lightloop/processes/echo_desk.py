"""The worker's side of `lightloop bench loop`: an echo is answered at once; sabotage is late."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from lightloop.processes.echo import ECHO
from realtime.pipeline import Pipeline
from realtime.wire import DecisionMessage, FrameMessage, Result

if TYPE_CHECKING:
    from realtime.client import StreamClient
    from realtime.steps import Steps


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
        client.send(result, DecisionMessage(decision))
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
