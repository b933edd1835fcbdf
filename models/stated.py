"""The error to be expected of an image for looking: what its network states, as it was measured.

For networks whose images nobody judges frame by frame: finer pixels, and planes between planes.
`realtime.trust` does the same for the images that decisions are made by.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from models.conformal import UNKNOWN, Conformal
from models.regions import shrunk, split

if TYPE_CHECKING:
    from models.conformal import Expected
    from models.manifest import Manifest
    from models.read_out import Denoised
    from models.regions import Regions


class Stated:
    """Tells the error of the images of one network.

    All light and error is counted per pixel of the *camera*: a fine pixel is taken, and shown, as
    if all of the camera's pixel were as bright.

    Parameters
    ----------
    manifest
        Of the package; its scales were measured by ``python -m models.train.trust``.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._conformal = Conformal(manifest.conformal)
        self.fine = manifest.upscale**2
        """Fine pixels of a camera's."""

    @property
    def is_known(self) -> bool:
        """Whether the package says anything."""
        return self._conformal.is_known

    def regions(self, answer: Denoised) -> Regions:
        """Return cells and background of an image, and its light per camera pixel."""
        return split(answer.photons * np.float32(self.fine))

    def stated_e(self, answer: Denoised, regions: Regions, *, cells: bool) -> float:
        """Return the error that the network itself states, rms e-; NaN where it states none."""
        if answer.sd_e is None:
            return float("nan")
        variance = regions.mean(shrunk(answer.sd_e * answer.sd_e), cells=cells)
        return self.fine * sqrt(variance) if variance >= 0 else float("nan")

    def __call__(self, answer: Denoised, *, cells: bool = True) -> Expected:
        """Return the error to be expected in the cells of an image, or in its background."""
        if answer.sd_e is None or not self.is_known:
            return UNKNOWN
        regions = self.regions(answer)
        stated = self.stated_e(answer, regions, cells=cells)
        return self._conformal(stated, regions.mean(regions.photons, cells=cells), cells=cells)
