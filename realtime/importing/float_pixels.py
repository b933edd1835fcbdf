"""Pixels that are no whole numbers, as the counts of 16 bits that detection and noise go by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from numpy.typing import NDArray

MOST_ADU = 65535
"""Largest count of 16 bits."""
_DARK = 1e-30
"""No unit is so large that brighter pixels than this are none (proposed)."""


def scale_of(name: str, images: Iterable[tuple[tuple[int, ...], NDArray[Any]]]) -> float:
    """Return what float pixels are to be multiplied by before they are rounded.

    That is 1 where all are whole numbers of 16 bits; else the power of two that leaves the least
    to rounding: photo-electrons, or any other unit, then are the counts of a camera whose gain is
    estimated from the images.

    Parameters
    ----------
    images
        Each (t, p, z) and its pixels, (Y, X); all are looked at once.

    Raises
    ------
    RunFileError
        If a pixel is below 0, or is not finite.
    """
    top, is_whole = 0.0, True
    for at, image in images:
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and math.isfinite(high)):
            raise RunFileError(
                f"{name}: float pixels must be finite and >= 0, in photo-electrons or counts; "
                f"image {at} (t, p, z) goes from {low:g} to {high:g}: export the raw images, or "
                "add an offset"
            )
        top, is_whole = max(top, high), is_whole and not np.any(image % 1)
    if top < _DARK or (is_whole and top <= MOST_ADU):
        return 1.0
    return math.ldexp(1.0, math.floor(math.log2(MOST_ADU / top)))
