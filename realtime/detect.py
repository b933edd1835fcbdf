"""Finds the cells of an image: where they are, how large, how bright, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field, model_validator

from realtime.detecting.apart import apart
from realtime.detecting.measure import measure
from realtime.detecting.nuclei import NucleusFinder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.detections import Detections


class DetectorConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """What a cell looks like, and how sure its detection must be."""

    kind: Literal["nuclei", "spots"] = "nuclei"
    """"nuclei" are blobs with an outline; "spots" are smaller than that: their place is found to a
    fraction of a pixel, and their width is told from a range around `diameter_px`."""

    diameter_px: Annotated[float, Field(ge=3, le=500)] = 20.0
    """Usual diameter of a nucleus, pixels of the raw frame; of a spot, its full width at half its
    height."""

    false_alarms: Annotated[float, Field(ge=1e-6, le=100)] = 0.05
    """Noise that may pass for a cell, a frame on average. The threshold follows from it, from the
    camera and from the light, and stays right when the exposure moves."""

    threshold_sigma: Annotated[float, Field(ge=1, le=100)] | None = None
    """In place of `false_alarms`: a cell must rise above the background by this many times the
    noise of the mean over a cell's area."""

    edge_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """The rim of a nucleus, as a fraction of its own brightness: dim ones keep their size."""

    min_area_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Smaller things, as a fraction of a usual nucleus, are not cells."""

    network: str = ""
    """Name of a shipped model package of the task "segment", or a path to one: it outlines nuclei
    in place of thresholds. "" for none. Where it fails, the thresholds go on."""

    @model_validator(mode="after")
    def _network_is_for_nuclei(self) -> DetectorConfig:
        if self.network and self.kind != "nuclei":
            raise ValueError(f'network outlines nuclei, and kind is "{self.kind}": take one out')
        return self


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
