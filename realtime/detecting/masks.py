"""Nuclei outlined by a network; where it fails, by noise, brightness and shape as before."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import numpy as np

from realtime.detecting.apart import apart
from realtime.detecting.background import background_of
from realtime.detecting.false_alarms import threshold_sigma
from realtime.detecting.grids import shrunk
from realtime.detecting.measure import measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from realtime.detecting.config import DetectorConfig
    from realtime.detections import Detections

logger = logging.getLogger(__name__)


class Outliner(Protocol):
    """Outlines nuclei (`models.segment.Segmenter`)."""

    shape: tuple[int, int]
    model_id: str

    def __call__(self, photons: NDArray[np.float32], /) -> tuple[NDArray[np.int32], int]:
        """Return the nucleus of each pixel, 0 for none, and the highest number; some may lack."""
        ...

    def close(self) -> None:
        """Free the engine."""
        ...


class MaskDetector:
    """Finds nuclei with a network.

    What it outlines must stand above the background as any other cell: noise that looks like a
    nucleus is none.

    Parameters
    ----------
    config, read_noise_e
        As of `realtime.detect.Detector`.
    diameter_px
        Diameter that nuclei should have in what the network sees; the image is shrunk to that.
    open_outliner
        Opens the network for images of a shape, (Y, X) px; may raise `RuntimeError`.
    instead
        Finds the nuclei where the network fails.
    """

    def __init__(
        self,
        config: DetectorConfig,
        read_noise_e: float,
        diameter_px: float,
        open_outliner: Callable[[tuple[int, int]], Outliner],
        instead: Callable[[NDArray[np.float32]], Detections],
    ) -> None:
        self._config, self._read_noise_e = config, read_noise_e
        self._open, self._instead = open_outliner, instead
        self.shrink = max(1, round(config.diameter_px / diameter_px))
        self._radius = config.diameter_px / self.shrink / 2
        self._outline: Outliner | None = None
        self._sigmas = 0.0
        self.why = ""
        """Why the network was given up; empty if it was not."""

    def __call__(self, photons: NDArray[np.float32]) -> Detections:
        """Find the nuclei of an image in photo-electrons, (Y, X) float32, restored or raw."""
        if self.why:
            return self._instead(photons)
        small = shrunk(photons, self.shrink)
        try:
            labels, count = self._opened(small.shape)(small)
        except (RuntimeError, ValueError) as error:  # what an engine's own library raises, too
            self._give_up(error)
            return self._instead(photons)
        background = background_of(small, self._radius)
        cells = measure(
            labels,
            count,
            small - background,
            background,
            shrink=self.shrink,
            read_noise_e=self._read_noise_e,
            least_px=self._config.min_area_fraction * np.pi * self._radius**2,
            least_score=self._sigmas,
        )
        return apart(cells, self._config.diameter_px)

    def masks(self, photons: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the nucleus of each pixel of the shrunk image, (Y, X) int32, 0 for none."""
        small = shrunk(photons, self.shrink)
        return self._opened(small.shape)(small)[0]

    def close(self) -> None:
        """Free the network; may be called twice."""
        if self._outline is not None:
            self._outline.close()
            self._outline = None

    def _opened(self, shape: tuple[int, ...]) -> Outliner:
        """Return the network for images of this shape."""
        height, width = shape
        if self._outline is None or self._outline.shape != (height, width):
            self.close()
            self._outline = self._open((height, width))
            raw = (height * self.shrink, width * self.shrink)
            known = threshold_sigma(self._config.false_alarms, raw, self._config.diameter_px / 4)
            given = self._config.threshold_sigma
            self._sigmas = known if given is None else given
        return self._outline

    def _give_up(self, error: Exception) -> None:
        who = self._config.network if self._outline is None else self._outline.model_id
        self.why = f"{who} failed ({error}): nuclei are found by thresholds from now on"
        logger.error("%s", self.why)
        self.close()
