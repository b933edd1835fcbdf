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

SETTLED = 5
"""Shots in a row with the right light from which a field has settled (proposed)."""
LEARNT = 20
"""Believed shots, of cells that lack little, until a field that was taken over is known: so many
are the first of `realtime.focus` (proposed)."""


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
    inherited
        Shots until its light is taken for its own, where another found it, such as a worker that
        died: what is usual in it was forgotten, so that nobody can tell whether it is in focus.
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
    inherited: int = 0
    rise: float = 1.0
    fading: Fading = field(default_factory=Fading)
    need: Need = field(default_factory=Need)
    edges: Edges = field(default_factory=Edges)

    @property
    def is_known(self) -> bool:
        """Whether its cells were ever believed."""
        return math.isfinite(self.safe)

    @property
    def is_settled(self) -> bool:
        """Whether its light was what its cells need for several shots."""
        return self.at_rest >= SETTLED

    def take_over(self) -> None:
        """Begin in mid-run: somebody else found this light, and may have known it to be right."""
        self.inherited, self.at_rest = LEARNT, SETTLED

    def is_sharp(self, sharpness: float, light: float) -> bool:
        """Whether nothing speaks against the cells' focus, so that they may have more light.

        Parameters
        ----------
        sharpness
            Of the shot, as a share of what is usual; 0 where it cannot be told.
        light
            What it was given.
        """
        self.edges.see(sharpness)
        short = self.need.level - math.log(light)
        told = (sharpness, 0.0) if self.inherited else (sharpness,)
        is_sharp = all(self.edges.allow(one, short, is_settled=self.is_settled) for one in told)
        self.inherited -= int(is_sharp and self.inherited > 0)
        return is_sharp
