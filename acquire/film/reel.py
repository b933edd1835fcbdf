"""What the replay camera needs of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reel(Protocol):
    """Recorded frames in the order in which they were taken.

    Attributes
    ----------
    name
        What a person calls the recording.
    shape
        (Y, X) of every frame.
    n_frames
        How many there are.
    """

    name: str
    shape: tuple[int, int]
    n_frames: int

    def frame(self, number: int) -> NDArray[np.uint16]:
        """Return one frame, counts (Y, X) uint16; the first is number 0."""
        ...
