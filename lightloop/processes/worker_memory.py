"""What a worker knows outlives it: kept outside of its process, given back to the next one.

It is kept after the answer has gone: no decision waits for it.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from realtime.memory import KnownFiles
from realtime.wire import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightloop.task import RunTask
    from realtime.memory import Known
    from realtime.wire import Result

logger = logging.getLogger(__name__)

EVERY_SHOTS, EVERY_S = 4, 0.2
"""A field is kept at every fourth of its shots, and at each that comes so long after the last time
(proposed): a worker needs seconds to start again, and many more shots are missed in them."""
SLOW_S, SLOW = 0.05, 20
"""Where a disk needs longer than this, twice in a row, it is left alone for so many times as long
(proposed)."""
AGAIN_S = 60.0
"""After keeping it has failed (proposed)."""
_NOBODY_KNOWS = (
    "and the new one does not know what it was before: it rises only for cells that are seen to "
    "need it. Where none is seen, end the run and go on with its file "
    "(lightloop run --continue): that begins in the light of the config"
)


class Keepable(Protocol):
    """What is asked of a pipeline."""

    def known(self, position: int) -> Known | None:
        """Return what is known of a field after its last shot."""
        ...

    def next_name(self, position: int) -> int:
        """Return the name that a field's next new cell gets."""
        ...


class WorkerMemory:
    """Keeps what the worker knows in the session's folder, and gives it back.

    Attributes
    ----------
    session
        The run that all of it belongs to.
    """

    def __init__(self, files: KnownFiles, clock_s: Callable[[], float] = time.perf_counter) -> None:
        self.session = files.session
        self._files, self._clock_s = files, clock_s
        self._kept: dict[int, tuple[int, float]] = {}  # shots since, and when
        self._not_before_s = self._cost_s = 0.0
        self._notices: list[Notice] = []
        self._told: set[str] = set()

    def recall(self, position: int, shot: int) -> tuple[Known | None, int]:
        """Return what was known of a field before a shot, and the first name that nobody bears."""
        if not self._files.is_restart:
            return None, 0
        known, why = self._files.read(position, shot)
        if known is not None:
            text = f"the worker goes on with the cells it knew at shot {known.shot}"
            self._tell("info", "goes on", text)
        elif why:
            self.refuse(position, why)
        return known, self._files.first_name

    def refuse(self, position: int, why: str) -> None:
        """Say, once, that cells have new names because what was known of them is of no use."""
        text = f"the worker begins anew with field {position}, its cells have new names: {why}"
        self._tell("warn", "begins anew", text)

    def refuse_part(self, position: int, part: str, why: str) -> None:
        """Say, once, that what one part has learnt does not outlive its worker."""
        text = f"what the {part} learnt of field {position} is not kept over a restart: {why}"
        self._tell("warn", part, text)

    def look(self, result: Result) -> None:
        """Say, once, where a field was left in less light than its cells were seen in."""
        if result.recalled is None or not self._files.is_restart:
            return
        lowered = [used for used in result.observation.applied if used.late and used.clamped]
        if not lowered:
            return
        used, field = lowered[0], f"field {result.position}"
        text = (
            f"the light of {field} was lowered while no worker answered, to {used.exposure_ms:.3g} "
            f"ms at {100 * used.power_fraction:.3g} % power"
        )
        if "policy" in result.recalled.learnt:
            self._tell("info", "lowered", f"{text}; the policy knows what it was before")
        else:
            self._tell("warn", "lowered", f"{text}, {_NOBODY_KNOWS}")

    def promise(self, pipeline: Keepable, position: int) -> None:
        """Make sure that names which are about to be told are never given again."""
        try:
            self._files.promise(pipeline.next_name(position))
        except OSError as error:
            self._tell("warn", "names", f"a restarted worker may give names twice: {error}")

    def keep(self, pipeline: Keepable, position: int) -> None:
        """Keep what is known of a field, if it is time to."""
        began_s = self._clock_s()
        shots, at_s = self._kept.get(position, (EVERY_SHOTS, 0.0))
        is_due = shots + 1 >= EVERY_SHOTS or began_s - at_s >= EVERY_S
        if not is_due or began_s < self._not_before_s:
            self._kept[position] = shots + 1, at_s
            return
        try:
            known = pipeline.known(position)
            if known is not None:
                self._files.keep(known)
        except (OSError, ValueError) as error:
            text = f"cells get new names if the worker has to be started again: {error}"
            self._tell("warn", "keep", text)
            self._not_before_s = began_s + AGAIN_S
            return
        self._kept[position] = 0, began_s
        before_s, self._cost_s = self._cost_s, self._clock_s() - began_s
        if (usual_s := min(before_s, self._cost_s)) > SLOW_S:
            self._not_before_s = began_s + SLOW * usual_s

    def notices(self) -> list[Notice]:
        """Return what the run has to be told, once."""
        told, self._notices = self._notices, []
        return told

    def _tell(self, level: str, what: str, text: str) -> None:
        if what in self._told:
            return
        self._told.add(what)
        logger.log(logging.INFO if level == "info" else logging.WARNING, text)
        self._notices.append(Notice(level, text, time.perf_counter_ns()))


def open_memory(task: RunTask, session: str) -> WorkerMemory | None:
    """Return the memory of a session; None where there is no folder for it."""
    if not task.folder:
        return None
    try:
        return WorkerMemory(KnownFiles(Path(task.folder), session))
    except OSError as error:
        logger.warning("a worker that has to be started again will know no cell: %s", error)
        return None
