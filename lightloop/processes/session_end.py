"""How a session ended: what its light, its keeper and those who stopped it make of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lightloop.summary import Summary

if TYPE_CHECKING:
    from acquire.loop.loop import Outcome
    from lightloop.processes.link import Link
    from lightloop.summary import Tally

logger = logging.getLogger(__name__)

SAVED_S = 8.0
"""How long a recorder that is away is waited for: less than the supervisor waits for the scope, or
who asks for the summary of a run into a full disk would get none."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a session in words.

    Attributes
    ----------
    status
        "complete" or "partial": what the run file says of itself.
    reason
        Why it ended, in one sentence.
    is_dark
        The loop and the guard both know that no light is on.
    has_failed
        The run ended by an error, without its keeper, or not known to be dark.
    """

    status: str
    reason: str
    is_dark: bool
    has_failed: bool

    def as_saved(self, *, is_whole: bool) -> Ending:
        """Return this end; of a run that was not recorded to its last word, a partial one."""
        if is_whole:
            return self
        logger.warning("the recorder did not take everything; its file may be partial")
        return replace(self, status="partial")


def judge(
    outcome: Outcome,
    link: Link,
    *,
    is_dark: bool,
    is_light_stopped: bool,
    is_keeper_lost: bool,
    is_aborted: bool,
) -> Ending:
    """Judge how a session ended.

    Parameters
    ----------
    is_dark
        See `Ending`.
    is_light_stopped
        The guard gives no light any more.
    """
    is_stopping = link.stop.is_set()
    # A light that nobody stopped but that is stopped: the keeper did it, or went.
    was_revoked = (is_light_stopped and not is_stopping) or is_keeper_lost
    is_orderly = outcome.error is None and not (link.is_orphan or was_revoked or is_aborted)
    was_stopped = is_stopping and not outcome.is_complete
    return Ending(
        status="complete" if is_orderly and is_dark else "partial",
        reason=link.reason if was_stopped and not outcome.error else outcome.reason,
        is_dark=is_dark,
        has_failed=outcome.error is not None or not is_dark or was_revoked,
    )


def summarise(
    outcome: Outcome,
    ending: Ending,
    tally: Tally,
    *,
    gaps: int,
    dose: dict[str, float],
    reference_dose: dict[str, float],
    dose_unit: str,
    origin: str,
    has_samples: bool,
) -> Summary:
    """Return a session in numbers; with every duration, where `has_samples`."""
    return Summary(
        frames=outcome.n_frames,
        shots=tally.shots,
        gaps=gaps,
        late=tally.late,
        dose=dose,
        reference_dose=reference_dose,
        dose_unit=dose_unit,
        latency_ms=tally.latencies(),
        status="failed" if ending.has_failed else ending.status,
        reason=ending.reason,
        is_dark=ending.is_dark,
        divisions=tally.divisions,
        cells=tally.cells,
        confirmed=tally.confirmed,
        origin=origin,
        cell_px=tally.cell_px,
        samples_ms=tally.samples() if has_samples else {},
    )
