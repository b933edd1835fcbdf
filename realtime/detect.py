"""Finds the cells of an image: where they are, how large, how bright, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.detecting.apart import apart
from realtime.detecting.measure import measure
from realtime.detecting.nuclei import NucleusFinder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detecting.config import DetectorConfig
    from realtime.detections import Detections


class Detector:
    """Finds nuclei by noise, brightness and shape (`realtime.detecting.nuclei`).

    Parameters
    ----------
    config
        What a nucleus looks like.
    read_noise_e
        Read noise of the camera, rms photo-electrons; from its calibration.
    """

    def __init__(self, config: DetectorConfig, read_noise_e: float = 2.0) -> None:
        self._config, self._read_noise_e = config, read_noise_e
        self._find = NucleusFinder(
            config.diameter_px,
            config.edge_fraction,
            config.false_alarms,
            config.threshold_sigma,
            read_noise_e,
        )

    def __call__(self, photons: NDArray[np.float32]) -> Detections:
        """Find the nuclei of an image in photo-electrons, (Y, X) float32, restored or raw.

        No two are nearer to each other than a quarter of the usual diameter.
        """
        found = self._find(photons)
        cells = measure(
            found.labels,
            found.most,
            found.light,
            found.background,
            shrink=self._find.shrink,
            read_noise_e=self._read_noise_e,
            least_px=self._config.min_area_fraction * np.pi * self._find.radius**2,
        )
        return apart(cells, self._config.diameter_px)

    def masks(self, photons: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the nucleus of each pixel, (Y, X) int32, 0 for none; small things are left in."""
        labels, factor = self._find(photons).labels, self._find.shrink
        if factor == 1:
            return labels
        whole = np.zeros(photons.shape, np.int32)
        fine = labels.repeat(factor, 0).repeat(factor, 1)
        whole[: fine.shape[0], : fine.shape[1]] = fine
        return whole
