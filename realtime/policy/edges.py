"""May cells have more light, as far as the edges in their image tell? Only where they are usual.

Sharpness comes from the raw image, as a share of what is usual in the field
(`realtime.judging.focus`).
Cells out of focus look as if they had bleached; nuclei that die shrink, so that they are sharper
first, and fade then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DULL, CONTRACTED = 0.7, 1.75
"""Sharpness below which a field is not in focus, and above which its cells have shrunk: those that
die passed 2 before more light was asked for, and mitoses among eight that live reached 1.6
(measured, both on the simulated specimen)."""
_RELAXED = 1.3
"""Running sharpness below which cells that had shrunk are no more taken for such (proposed)."""
_LATELY = 0.25
"""Weight of a shot in the running sharpness (proposed)."""
_BLIND = math.log(1.3)
"""Natural logs of light that cells may be short of where nobody can tell whether they are in focus:
what bleaching is followed leaves less, and what lacks more was lost otherwise (proposed)."""


@dataclass(slots=True)
class Edges:
    """What the edges in one field's images have been.

    Attributes
    ----------
    has_shrunk
        Its cells were sharper than living ones for several shots, and not usual since: one shot
        alone, in little light, is no judge of that.
    """

    has_shrunk: bool = False
    _lately: float = 1.0
    _stays: bool = False

    def see(self, sharpness: float) -> None:
        """Take a shot's sharpness; 0 where it cannot be told, which changes nothing."""
        if sharpness <= 0:
            return
        self._lately += _LATELY * (sharpness - self._lately)
        is_above = self._lately > (_RELAXED if self.has_shrunk else CONTRACTED)
        self.has_shrunk = is_above or self._stays

    def lose_measure(self) -> None:
        """Forget what is usual: cells that have shrunk must not be so from now on."""
        self._stays = self.has_shrunk

    def allow(self, sharpness: float, short: float, *, is_settled: bool) -> bool:
        """Whether nothing in a shot's edges speaks against more light.

        Parameters
        ----------
        sharpness
            Of the shot; 0 where it cannot be told.
        short
            Light that the cells lack, natural logs.
        is_settled
            Whether the field had the right light for several shots.
        """
        if self.has_shrunk:
            return False
        if sharpness > 0:
            return DULL <= sharpness <= CONTRACTED
        return not is_settled or short < _BLIND
