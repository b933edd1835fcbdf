"""What a policy remembers of one field of view; it is bounded, however long a run lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from realtime.policy.edges import Edges
from realtime.policy.fading import Fading
from realtime.policy.need import Need

if TYPE_CHECKING:
    from acquire.settings import ChannelSettings


@dataclass(slots=True)
class FieldMemory:
    """What is remembered of a field of view.

    Attributes
    ----------
    asked
        The settings that were proposed last.
    doubtful
        Shots in doubt in a row.
    safe, held
        Light of the last believed shot, and the light that its cells were given when they were last
        believed, to which it may come back.
    ceiling
        The most light that the next shot may have, or what it is given now if that is more: none
        until shots have spoken.
    at_rest
        Shots whose light was what the cells need.
    rise
        Light of a shot in a settled field, as a factor of the last.
    fading, need, edges
        How bright the cells have been, how much light they need, and how sharp their image was.
    """

    asked: tuple[ChannelSettings, ...]
    doubtful: int = 0
    safe: float = math.inf
    held: float = 0.0
    ceiling: float = 0.0
    at_rest: int = 0
    rise: float = 1.0
    fading: Fading = field(default_factory=Fading)
    need: Need = field(default_factory=Need)
    edges: Edges = field(default_factory=Edges)

    @property
    def is_known(self) -> bool:
        """Whether its cells were ever believed."""
        return math.isfinite(self.safe)
