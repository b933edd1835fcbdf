"""Does an image show what its network learnt from? Looked at now and then, remembered by field.

A kind of structure does not change from one frame to the next, and describing it costs as much as
all other tests together: so every third frame of a field is described, a square as large as the
training scenes, another one each time. One look may be strange by chance, one of a thousand is: so
the next frame is looked at in the same square, and only what is strange twice is told. In between,
what was seen last counts.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from models.residuals import Reason
from models.type_shift import WINDOW_PX, features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.type_shift import TypeReference

    Image = NDArray[np.float32]

EVERY = 3
"""Frames of a field from one look to the next: four squares, 512 x 512 px, in ten frames."""
BEYOND = 1.25
"""Distance from the training scenes, in units of the farthest thousandth of them, from which a look
is strange (measured: 120 patterns that no network learnt from are at 1.48 and more in every look;
of 2,200 good scenes three are at 1.0 to 1.4, all of them all but empty)."""
_MOST_FIELDS = 4096
_STRANGE = Reason("unseen-structure", "a kind of structure that the network never learnt from")


class _Looked(NamedTuple):
    """What is known of a field: its frames so far, and whether its last look was strange."""

    frames: int = 0
    is_suspect: bool = False
    """Strange once: the next frame is looked at again."""
    is_told: bool = False


class TextureWatch:
    """Tells, field by field, images unlike all that a network learnt from.

    Parameters
    ----------
    types
        What the network's training scenes look like.
    read_noise_e
        Of the camera, rms photo-electrons.
    """

    def __init__(self, types: TypeReference, read_noise_e: float) -> None:
        self._types, self._read_noise_e = types, read_noise_e
        self._fields: OrderedDict[tuple[int, int], _Looked] = OrderedDict()

    def see(self, key: tuple[int, int], photons: Image) -> list[Reason]:
        """Take a frame of a field and plane, (Y, X); return what its last look speaks against."""
        seen = self._fields.pop(key, _Looked())
        if seen.frames % EVERY == 0:
            is_strange = self._is_strange(window(photons, seen.frames // EVERY))
            seen = _Looked(seen.frames, is_suspect=is_strange, is_told=is_strange and seen.is_told)
        elif seen.is_suspect:
            is_strange = self._is_strange(window(photons, seen.frames // EVERY))
            seen = _Looked(seen.frames, is_told=is_strange)
        while len(self._fields) >= _MOST_FIELDS:
            self._fields.popitem(last=False)
        self._fields[key] = seen._replace(frames=seen.frames + 1)
        return [_STRANGE] if seen.is_told else []

    def _is_strange(self, square: Image) -> bool:
        texture = features(square, self._read_noise_e)
        return texture is not None and self._types.distance(texture) > BEYOND * self._types.far


def window(photons: Image, look: int) -> Image:
    """Return a square as large as the training scenes, another one at each look."""
    height, width = photons.shape
    rows, columns = max(height // WINDOW_PX, 1), max(width // WINDOW_PX, 1)
    row, column = divmod(look % (rows * columns), columns)
    top = row * max(height - WINDOW_PX, 0) // max(rows - 1, 1)
    left = column * max(width - WINDOW_PX, 0) // max(columns - 1, 1)
    return photons[top : top + WINDOW_PX, left : left + WINDOW_PX]
