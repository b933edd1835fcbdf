"""How a run ended, in a status and one sentence; that a light may be on outweighs everything."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from lightloop.status import DONE, FAILED, INTERRUPTED, NOT_DARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightloop.summary import Summary
    from lightloop.supervision.usage import Sample


class Outcome(NamedTuple):
    """How a run ended: exit status of the command, its numbers, and why in one sentence.

    `usage` holds what the processes cost, if the task asked for it; `cpu_s` the processor time of
    the work alone, by process.
    """

    exit_code: int
    summary: Summary | None
    reason: str
    usage: tuple[Sample, ...] = ()
    cpu_s: Mapping[str, float] = MappingProxyType({})


@dataclass(slots=True)
class Verdict:
    """What is known of a run's end so far.

    Attributes
    ----------
    problem
        What went wrong first, in one sentence; empty if nothing did.
    may_be_lit
        Whether somebody who must know says that a light may be on.
    summary
        The scope's own numbers; None if it never said them.
    """

    problem: str = ""
    may_be_lit: bool = False
    summary: Summary | None = None

    def blame(self, what: str) -> None:
        """Note what went wrong, unless something did before: the rest follows from it."""
        self.problem = self.problem or what

    def told(self, stop_reason: str, *, is_interrupted: bool) -> tuple[int, str]:
        """Return exit status and reason of the command.

        Parameters
        ----------
        stop_reason
            Why the run was asked to end; empty if it was not.
        """
        summary, problem = self.summary, self.problem
        if self.may_be_lit or (summary is not None and not summary.is_dark):
            reason = problem or (summary.reason if summary else "")
            reason = f"DARK NOT CONFIRMED: {reason.removeprefix('DARK NOT CONFIRMED, ')}"
            return NOT_DARK, reason
        if problem:
            return FAILED, problem
        if is_interrupted:
            return INTERRUPTED, stop_reason
        if summary is None:
            return FAILED, "the run ended without a word"
        return FAILED if summary.status == "failed" else DONE, summary.reason
