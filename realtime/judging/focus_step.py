"""A field that becomes duller everywhere at once has lost the focus, if only by a little.

One depth of field takes a fifth of the edges' power. So does a division: among few cells the edges
change by a third in good focus. But a division changes one place and defocus all of them, so each
tile of the image is compared with itself, a few shots ago, and the median of the changes is judged.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BEFORE = 4
"""Shots whose mean is compared with (proposed)."""
_EARLY = 8
"""Shots from which a field's own restlessness is known (proposed)."""
_LEAST_TILES = 3
_LEAST_STEP = 0.06
"""Least change that is a step: a twentieth of the edges (measured: noise makes 0.01)."""
_SURE = 6.0
"""Times the field's own mean change by which a step must be larger (measured: living fields of 8 to
60 cells, two minutes apart, reach 5)."""
_CALM = 0.1
"""Weight of a shot in the field's mean change."""
_PATIENCE = 20
"""Shots after which a loss that lasts may be the field's new face: cells round up, flatten, or have
gone. The image alone cannot tell that from a small defocus; a focus lock or an autofocus can. Where
neither speaks, the field is compared with its new face from then on, and the loss stays told."""


class StepWatch:
    """Watches one plane of one field for a sudden loss of sharpness.

    Attributes
    ----------
    lasting
        Loss, as `see` returns it, that has lasted for too long to doubt the field for it, and that
        nobody has explained; 0 for none.
    """

    def __init__(self) -> None:
        self._before: deque[NDArray[np.float32]] = deque(maxlen=_BEFORE)
        self._shots, self._restless = 0, _LEAST_STEP / _SURE
        self._sharp: list[NDArray[np.float32]] | None = None
        self._lost_shots, self._step = 0, 0.0
        self._former: list[NDArray[np.float32]] | None = None
        self._former_step, self.lasting = 0.0, 0.0

    def see(self, tiles: NDArray[np.float32], *, is_held: bool = False) -> float:
        """Take a shot's tiles (`models.focus.SharpnessMeter.tiles`); return its loss.

        The loss is that of the logarithm of the sharpness; 0 as long as the focus is not lost.

        Parameters
        ----------
        is_held
            Whether a focus lock or an autofocus says that this shot is in focus.
        """
        if self._former is not None:
            self._look_back(tiles, is_held=is_held)
        if self._sharp is not None:
            return self._while_lost(tiles, is_held=is_held)
        self._shots += 1
        change = _change(tiles, self._before)
        most = max(_LEAST_STEP, _SURE * self._restless)
        if self._shots > _EARLY and change < -most:
            self._sharp, self._step = list(self._before), most
            self._lost_shots = 1
            return -change
        self._restless += _CALM * (abs(change) - self._restless)
        self._before.append(tiles)
        return 0.0

    def _look_back(self, tiles: NDArray[np.float32], *, is_held: bool) -> None:
        """Ask whether a lasting loss is over, or explained by a focus that is held."""
        assert self._former is not None
        self.lasting = max(-_change(tiles, self._former), 0.0)
        if is_held or self.lasting < 0.5 * self._former_step:
            self._former, self.lasting = None, 0.0

    def _while_lost(self, tiles: NDArray[np.float32], *, is_held: bool) -> float:
        """Wait until the field is as sharp as it was, or has stayed as it is."""
        assert self._sharp is not None
        change = _change(tiles, self._sharp)
        self._lost_shots += 1
        is_back, lasts = change > -0.5 * self._step, self._lost_shots > _PATIENCE
        if is_back or lasts:
            if not is_back and not is_held and self._former is None:  # the first face is the truth
                self._former, self._former_step, self.lasting = self._sharp, self._step, -change
            self._sharp, self._shots = None, 0
            self._before.clear()
            return 0.0
        return -change


def _change(tiles: NDArray[np.float32], before: Sequence[NDArray[np.float32]]) -> float:
    """Return the median change of the tiles that were seen; 0 if they are too few."""
    if len(before) < _BEFORE:
        return 0.0
    change = tiles - np.mean(before, axis=0)
    seen = change[np.isfinite(change)]
    return float(np.median(seen)) if seen.size >= _LEAST_TILES else 0.0
