"""What a policy remembers of one field of view; it is bounded, however long a run lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from acquire.settings import ChannelSettings  # noqa: TC001 - it is saved, and read again
from realtime.policy.edges import Edges
from realtime.policy.fading import Fading
from realtime.policy.need import Need

SETTLED = 5
"""Shots in a row with the right light from which a field has settled (proposed)."""
LEARNT = 20
"""Believed shots, of cells that lack little, until a field that was taken over is known: so many
are the first of `realtime.judging.focus` (proposed)."""


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
    is_back, lost
        Its worker died, and this is the first shot since; and the light to which it may come back
        without a cell being seen, which it lost for no other reason than that nobody answered.
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
    is_back: bool = False
    lost: float = 0.0
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

    def go_on(self) -> None:
        """Begin in mid-run with all of this known, but for what is usual in the field's images.

        What comes next has to be as it was, for some shots, before it gets more than was believed.
        """
        self.is_back, self.inherited = True, LEARNT
        self.fading.unsettle()
        self.edges.lose_measure()

    def come_back(self, light: float, asked: float, *, is_late: bool) -> None:
        """Take the first shot since a worker died: what is given now is where it goes on from.

        Parameters
        ----------
        light, asked
            What the shot was given, and what the worker that died had asked for.
        is_late
            Whether it was given less because no decision came.
        """
        self.is_back = False
        self.ceiling = min(self.ceiling, light)
        was_in_doubt = self.doubtful > 0 or self.fading.odd_shots > 0
        if was_in_doubt:  # it is not known to be over
            self.held = min(self.held, light)
        if was_in_doubt or is_late:
            self.at_rest = SETTLED
        if is_late and self.is_known:
            self.lost = max(self.lost, min(asked, self.safe))

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
