"""Replays a worker that was started again: it forgets and recalls where the recorded one did."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from realtime.memory.known import Known
    from realtime.pipeline import Pipeline
    from realtime.wire import DecisionMessage, Result
    from realtime.wire.seen import Recalled

logger = logging.getLogger(__name__)


class Restart(NamedTuple):
    """A worker that was started again.

    Attributes
    ----------
    shot
        The first that it answered.
    is_again
        The one before had answered that shot, too.
    recalled
        What it knew of each field, when it first saw it.
    """

    shot: int
    is_again: bool
    recalled: dict[int, Recalled]


def restarts(results: Iterable[Result]) -> list[Restart]:
    """Return where a recorded worker was started again; the first one is no restart."""
    found = [Restart(-1, False, {})]
    answered: set[int] = set()
    for result in results:
        if result.is_fresh and answered:
            found.append(Restart(result.shot, result.shot in answered, {}))
        if result.recalled is not None:
            found[-1].recalled.setdefault(result.position, result.recalled)
        answered.add(result.shot)
    return found[1:]


class RecordedPast:
    """What a recorded worker knew when it was started again, as the replaying one finds it out."""

    session = "replay"

    def __init__(self, found: Iterable[Restart]) -> None:
        self._coming = list(found)
        self._recalled: dict[int, Recalled] = {}
        wanted = [(p, r.shot) for at in self._coming for p, r in at.recalled.items()]
        self._known: dict[tuple[int, int], Known | None] = dict.fromkeys(wanted)

    def comes(self, shot: int, *, is_again: bool) -> bool:
        """Whether the next restart is at a shot: before it is answered, or to answer it again."""
        while self._coming and self._coming[0].shot < shot:
            del self._coming[0]  # the shot of it was not played
        return bool(self._coming) and self._coming[0][:2] == (shot, is_again)

    def pass_on(self) -> None:
        """Let the next restart happen."""
        self._recalled = self._coming.pop(0).recalled

    def take(self, pipeline: Pipeline, result: Result) -> None:
        """Keep what is known after a shot if a worker to come knew it."""
        at = (result.position, result.shot)
        if at in self._known:
            self._known[at] = pipeline.known(result.position)

    def recall(self, position: int, shot: int) -> tuple[Known | None, int]:
        """Return what the recorded worker knew of a field, and the first name that it gave."""
        recalled = self._recalled.get(position)
        if recalled is None:
            return None, 0
        known = self._known.get((position, recalled.shot))
        if known is None or known.shot >= shot:
            return None, recalled.first_name
        learnt = {name: state for name, state in known.learnt.items() if name in recalled.learnt}
        return msgspec.structs.replace(known, learnt=learnt), recalled.first_name

    def refuse(self, position: int, why: str) -> None:
        """Say that a replay cannot go on as its recording did."""
        logger.warning("field %d is not taken up as the recorded worker did: %s", position, why)

    def refuse_part(self, position: int, part: str, why: str) -> None:
        """Say that one part of a replay cannot be kept, or go on as the recorded one did."""
        logger.warning("the %s of field %d does not go on as recorded: %s", part, position, why)


class Restarting:
    """A pipeline that begins anew where the recorded worker did.

    Parameters
    ----------
    build
        Makes a pipeline with `past` among its steps.
    """

    def __init__(self, build: Callable[[], Pipeline], past: RecordedPast) -> None:
        self._build, self._past = build, past
        self._pipeline = build()
        self._held: list[tuple[FrameInfo, NDArray[np.uint16]]] = []

    def see(self, info: FrameInfo, adu: NDArray[np.uint16]) -> None:
        """See one frame of a shot; see `Pipeline.see`."""
        shot = info.shot.number
        if self._held and self._held[0][0].shot.number != shot:
            self._held.clear()
        if self._past.comes(shot, is_again=False):
            self._begin_anew()
        if self._past.comes(shot, is_again=True):
            self._held.append((info, adu.copy()))
        self._pipeline.see(info, adu)

    @property
    def has_whole_shot(self) -> bool:
        """Whether every frame of the current shot was seen."""
        return self._pipeline.has_whole_shot

    def answer(self) -> tuple[Result, DecisionMessage]:
        """Answer as the first recorded worker did; what the next one said of it is not told."""
        first = self._answer()
        while self._held and self._past.comes(first[0].shot, is_again=True):
            self._begin_anew()
            for info, adu in self._held:
                self._pipeline.see(info, adu)
            self._answer()
        self._held.clear()
        return first

    def news(self, result: Result) -> list[str]:
        """Return what is newly wrong with a shot."""
        return self._pipeline.news(result)

    def next_name(self, position: int) -> int:
        """Return the name that a field's next new cell gets."""
        return self._pipeline.next_name(position)

    def known(self, position: int) -> Known | None:
        """Return what is known of a field after its last shot."""
        return self._pipeline.known(position)

    def forget(self) -> None:
        """Drop what was seen of the shot so far."""
        self._held.clear()
        self._pipeline.forget()

    def _answer(self) -> tuple[Result, DecisionMessage]:
        answer = self._pipeline.answer()
        self._past.take(self._pipeline, answer[0])
        return answer

    def _begin_anew(self) -> None:
        self._past.pass_on()
        self._pipeline = self._build()
