"""What the loop says of itself: of each shot, and of the run."""

from __future__ import annotations

import msgspec

from acquire.errors import ScopeError
from acquire.frame import Shot
from acquire.settings import Applied


class ShotReport(msgspec.Struct, frozen=True):
    """What the guard made of the request for one shot.

    Attributes
    ----------
    first_seq
        First frame that was taken with it.
    applied
        What each exposure of the shot really used, in order; of a burst whose frames differ, what
        each frame used. A stream reports each change, with the first frame that shows it.
    latency_ns
        From the last frame of the shot before in our hands to the last device set for this one,
        without the time that the plan told us to wait.
    refused
        Why no light was given, or not for all of the shot; empty if it was.
    stale
        Stream only: frames since the change was set that had begun before it.
    """

    shot: Shot
    decision_id: int
    first_seq: int
    applied: tuple[Applied, ...]
    latency_ns: int = 0
    refused: str = ""
    stale: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended: the reason in words, and the error if one ended it.

    `last_seq` counts lost frames too; it is -1 if there was none.
    """

    is_complete: bool
    reason: str
    last_seq: int
    n_frames: int
    is_dark: bool
    error: ScopeError | None = None
