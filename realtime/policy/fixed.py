"""The same light for every shot: the baseline that every other policy is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from realtime.policy.decision import Decision

if TYPE_CHECKING:
    from acquire.settings import Settings
    from realtime.policy.observation import Observation


class FixedConfig(BaseModel, frozen=True, extra="forbid"):
    """The settings of the start, for the whole run."""

    kind: Literal["fixed"] = "fixed"
    """Name of this policy."""


class FixedPolicy:
    """Proposes the first settings after every shot.

    Parameters
    ----------
    first
        The settings of the start.
    """

    name = "fixed/1"

    def __init__(self, first: Settings) -> None:
        self._first = first

    def decide(self, seen: Observation) -> Decision:
        """Propose the first settings again.

        Where the light was lowered meanwhile (a decision came late), coming back needs a cell.
        """
        return Decision(
            id=seen.shot,
            settings=self._first,
            based_on=seen.seqs,
            inputs={},
            reason="fixed light, as set at the start",
            policy=self.name,
            has_evidence=seen.n_confirmed > 0,
        )
