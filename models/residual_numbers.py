"""What the residual test finds: numbers of a frame, and of each of its tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

TILES = 4
"""A frame has this many tiles along each side (proposed)."""
REFERENCE_PIXELS = 512 * 512


@dataclass(frozen=True, slots=True)
class Residuals:
    """What is left after the estimate is taken away, in units of the expected noise.

    Attributes
    ----------
    mean_z, var_z
        Mean (0 is right) and mean square (1 - `kept` is right) over all pixels.
    corr1
        Correlation of neighbours (a little below 0 is right; far below: the estimate copied noise).
    frac_bad
        Share of 16 x 16 px blocks whose mean is beyond 4 sigma (0 is right; else: bias).
    invented
        Highest matched-filter answer to signal that the estimate added, sigma (about 4 is right);
        from 5 on, sigma of noise and of what the estimate itself doubts there.
    missed_share
        Share of pixels whose matched-filter answer to lost signal is beyond 4 sigma.
    clipped_share
        Share of pixels at zero or at saturation, which were left out.
    pixels
        Pixels of the image.
    kept
        Share of the noise power that the estimate itself says is still in it; 0 if it does not say.
    missed
        Highest matched-filter answer to signal that the estimate lost, sigma.
    dark_var
        ``var_z + kept`` of the background alone (1 is right for the best estimate).
    dark_kept
        `kept` of the background alone.
    calm_var, calm_kept, calm_pixels
        The same of its calm part and how large that is: pixels of which the estimate doubts no more
        than on average. What is lost at the rims of cells is not there, and a wrong gain is.
    calm_lit
        Share of that part's noise which is the light's own, not the camera's.
    dark_mean_z
        Mean of the residual in the background.
    dark_pixels
        Pixels of the background.
    """

    mean_z: float
    var_z: float
    corr1: float
    frac_bad: float
    invented: float
    missed_share: float
    clipped_share: float = 0.0
    pixels: float = float(REFERENCE_PIXELS)
    kept: float = 0.0
    missed: float = 0.0
    dark_var: float = 1.0
    dark_mean_z: float = 0.0
    dark_pixels: float = 0.0
    dark_kept: float = 0.0
    calm_var: float = 1.0
    calm_kept: float = 0.0
    calm_pixels: float = 0.0
    calm_lit: float = 0.0


@dataclass(frozen=True, slots=True)
class Tiles:
    """The same test in each of 4 x 4 tiles of a frame, (4, 4) float32 each.

    Attributes
    ----------
    mean_z, var_z, corr1, kept
        As in `Residuals`.
    spread
        Standard deviation of `var_z` between blocks of 4 x 4 px.
    """

    mean_z: Image
    var_z: Image
    corr1: Image
    kept: Image
    spread: Image
