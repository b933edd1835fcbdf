"""A decision: a proposal with its reasons. It holds no time, so a replay gives it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from acquire.settings import Settings

if TYPE_CHECKING:
    from realtime.policy.observation import Observation


class Decision(msgspec.Struct, frozen=True):
    """What a policy proposes for the next shot.

    Attributes
    ----------
    id
        The number of the shot that it follows.
    based_on
        Sequence numbers of the frames that it was made from.
    inputs
        The numbers that it was made from, by name.
    reason
        Why, in plain words.
    policy
        Name and version of the policy.
    has_evidence
        False where nothing seen speaks for more light; the guard then refuses any increase.
    """

    id: int
    settings: Settings
    based_on: tuple[int, ...]
    inputs: dict[str, float]
    reason: str
    policy: str
    has_evidence: bool


class Policy(Protocol):
    """Turns what was seen into the next settings.

    The same observations in the same order give the same decisions: a policy reads no clock, no
    file and no random numbers. It keeps its state by field of view (`Observation.position`).
    """

    name: str

    def decide(self, seen: Observation) -> Decision:
        """Return the proposal that follows a shot."""
        ...
