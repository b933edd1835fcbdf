"""Seeing nothing: for runs that follow no cell, such as measurements of the loop itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.detections import Detections
from realtime.wire import Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.wire import TrackEvent

_NONE = np.empty(0)
_NOBODY = Detections(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE)


def find_nothing(_: NDArray[np.float32]) -> Detections:
    """Return no cells, whatever the image shows."""
    return _NOBODY


class FollowNothing:
    """A tracker without anybody to follow."""

    def update(self, _: Detections) -> tuple[Tracks, tuple[TrackEvent, ...]]:
        """Return that nobody is followed and nothing has happened."""
        return Tracks(), ()

    def carry(self, y_px: float, x_px: float) -> None:
        """Nobody is there to be carried."""

    def skip(self, shots: int = 1) -> None:
        """Nobody is there to be missed."""
