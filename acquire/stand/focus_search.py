"""The sharpest height of a few dim images: pure arithmetic, no device and no light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BIN = 4  # pixels added along each axis before images are compared: dim images are noisy; proposed


def heights_um(range_um: float, step_um: float) -> tuple[float, ...]:
    """Return the heights to look at, from the lowest up, around 0, um."""
    n_half = max(1, round(0.5 * range_um / step_um))
    return tuple(step_um * n for n in range(-n_half, n_half + 1))


def sharpness(counts: NDArray[np.generic]) -> float:
    """Return the sharpness of an image (Y, X): mean squared difference of binned pixels two apart.

    Noise adds the same to every height of a search, as each takes the same light.

    References
    ----------
    Brenner et al., J. Histochem. Cytochem. 24, 100 (1976).
    """
    height, width = (size - size % BIN for size in counts.shape)
    blocks = counts[:height, :width].astype(np.float32)
    binned = blocks.reshape(height // BIN, BIN, width // BIN, BIN).mean(axis=(1, 3))
    across = binned[:, 2:] - binned[:, :-2]
    along = binned[2:] - binned[:-2]
    return float(np.mean(across * across) + np.mean(along * along))


def best_um(heights: Sequence[float], scores: Sequence[float], contrast: float) -> float | None:
    """Return the height of the sharpest image, um; None where no image stands out.

    The top of a parabola through the sharpest and its neighbours. A search whose sharpest image is
    its first or last has not passed the focus: it has found where to go on, and says that height.

    Parameters
    ----------
    contrast
        How many times as sharp as the median image the sharpest must be.
    """
    values = np.asarray(scores, np.float64)
    best = int(np.argmax(values))
    if not values[best] >= contrast * max(float(np.median(values)), 1e-12):
        return None
    if not 0 < best < len(values) - 1:
        return float(heights[best])
    below, top, above = values[best - 1 : best + 2]
    bend = below - 2.0 * top + above
    shift = 0.5 * (below - above) / bend if bend < 0 else 0.0
    return float(heights[best] + shift * (heights[1] - heights[0]))
