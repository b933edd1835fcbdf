"""Gates that judge every frame by itself, and those that judge nothing at all.

`realtime.trust.TrustWatch` is what a run with a network uses; these are for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.residuals import judge, verdict
from realtime.policy.observation import Trust
from realtime.trust import ABOVE_RANGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.calibration import Calibration
    from models.residuals import Limits

NO_NETWORK = Trust(is_trusted=True, why="no network: the image is the camera's own")


class ResidualGate:
    """Judges each restored image by what it took away from the raw one.

    Parameters
    ----------
    limits
        What the model package allows its residuals to be.
    photons_max_e
        Photo-electrons a pixel up to which the package was trained.
    """

    def __init__(self, calibration: Calibration, limits: Limits, photons_max_e: float) -> None:
        self._calibration = calibration
        self._limits = limits
        self._photons_max_e = photons_max_e

    def __call__(self, adu: NDArray[np.uint16], photons: NDArray[np.float32]) -> Trust:
        """Return the verdict on one frame: raw counts and photo-electrons, both (Y, X)."""
        camera = self._calibration
        seen = judge(
            adu,
            photons,
            camera.gain_adu_per_e,
            camera.offset_adu,
            camera.read_noise_e,
            camera.saturation_adu,
        )
        is_trusted, why = verdict(seen, self._limits)
        above = np.count_nonzero(photons > self._photons_max_e) / photons.size
        if is_trusted and above > ABOVE_RANGE:
            limit = f"{self._photons_max_e:g} e- a pixel"
            is_trusted, why = False, f"brighter than the network was trained for ({limit})"
        return Trust(
            seen.mean_z,
            seen.var_z,
            seen.corr1,
            seen.frac_bad,
            seen.invented,
            seen.missed_share,
            is_trusted,
            why,
        )


def trust_without_network(_: NDArray[np.uint16], __: NDArray[np.float32]) -> Trust:
    """Return the verdict on an image that no network has touched."""
    return NO_NETWORK


class Distrust:
    """Believe no image, whatever it looks like: the camera's noise is not that of light.

    Parameters
    ----------
    why
        What its calibration found, in words.
    """

    def __init__(self, why: str) -> None:
        self._verdict = Trust(is_trusted=False, why=f"the camera: {why}")

    def __call__(self, _: NDArray[np.uint16], __: NDArray[np.float32]) -> Trust:
        """Return the verdict, the same for every frame."""
        return self._verdict
