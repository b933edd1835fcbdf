"""The worker's answers to a replay: handed on as they come, and waited for where they are owed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

from realtime.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.policy.decision import Decision
    from realtime.wire import Result

logger = logging.getLogger(__name__)

WORKER = "worker"  # how it calls itself at the desk
PATIENCE_S = 5.0  # proposed; a worker that has left its seat is not waited for any longer
FIRST_ANSWER_S = 1.0  # proposed; where nobody sits and nobody answers, the replay is for viewers


class Questioner(Protocol):
    """What is needed of `realtime.hub.Hub` to hear the worker."""

    def next_decision(self, timeout_s: float) -> tuple[Result, Decision] | None:
        """Return the worker's next answer; None if none came in time."""
        ...

    def present(self) -> set[str]:
        """Return the names of all who listen now."""
        ...


class Answers:
    """What the worker has answered, and how long a replay waits for what it has not.

    Parameters
    ----------
    on_decision
        Called with each answer.
    wait
        Sleeps for so many seconds; True ends the replay.
    decision_s
        How long a worker that sits there may think about one shot.

    Attributes
    ----------
    n_taken
        Answers that were handed on.
    """

    def __init__(
        self,
        hub: Questioner,
        on_decision: Callable[[Result, Decision], object],
        wait: Callable[[float], bool],
        decision_s: float,
    ) -> None:
        self.n_taken = 0
        self._hub = hub
        self._on_decision = on_decision
        self._wait = wait
        self._decision_s = decision_s
        self._is_heard = True

    def take(self, timeout_s: float) -> int:
        """Hand on every answer that is there; return the shot of the last one, or -1."""
        shot = -1
        while (answer := self._hub.next_decision(timeout_s)) is not None:
            result, decision = answer
            self.n_taken += 1
            self._on_decision(result, decision)
            shot, timeout_s = decision.id, 0.0
        return shot

    def wait_for(self, shot: int) -> None:
        """Take answers until that on a shot has come.

        Raises
        ------
        StreamError
            If it does not come in time.
        """
        until = time.perf_counter() + self._decision_s
        while time.perf_counter() < until:
            if self.take(0.2) == shot:
                return
            if self._wait(0.0):
                return
        raise StreamError(
            f"the replay waited {self._decision_s:.0f} s for a decision on shot {shot}; "
            "is a worker running, and does its log say why it is silent?"
        )

    def keep_up(self, n_asked: int, may_be_open: int) -> None:
        """Take the answers that are there; wait where the worker is further behind than allowed.

        Parameters
        ----------
        n_asked
            Shots that it was shown whole.
        may_be_open
            How many of them it need not have answered yet.
        """
        self.take(0.0)
        silent_from = time.perf_counter()
        while n_asked - self.n_taken > may_be_open and self._is_heard:
            if self._wait(0.0):
                return
            if self.take(0.05) >= 0:
                silent_from = time.perf_counter()
            elif time.perf_counter() - silent_from >= self._patience_s():
                self._give_up(n_asked - self.n_taken)

    def _patience_s(self) -> float:
        """Return how long the worker may be silent: one that sits there may still be slow."""
        if WORKER in self._hub.present():
            return self._decision_s
        return PATIENCE_S if self.n_taken else FIRST_ANSWER_S

    def _give_up(self, n_open: int) -> None:
        """Wait no more, for the rest of the replay."""
        self._is_heard = False
        if self.n_taken or WORKER in self._hub.present():
            logger.warning(
                "the worker is silent, with %d shots unanswered: the replay goes on without it",
                n_open,
            )  # else nobody ever sat there: it is for viewers only
