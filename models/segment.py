"""Outlines nuclei by a network: foreground, depth below the rim, and core of each become labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.engines import open_engine
from models.errors import ModelError
from models.network import round_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines import EngineInfo
    from models.package import Package

FOREGROUND, DEPTH, CORE = range(3)
"""The three maps that come out: log odds of "in a nucleus", depth as a share of the nucleus's
greatest, log odds of "in its core"."""
USUAL_DIAMETER_PX = 14.0
"""Diameter that nuclei should have in what the network is given; it learnt 8 to 32 px."""
_CALM_PX = 1.0
"""Blur of the core's log odds: two cores that are hardly parted are one (tuned on images that
train)."""
_LEAST_PX = 20
"""Smaller things are no nuclei (tuned on images that train)."""
_MIN_PX = 16


class Segmenter:
    """Gives each pixel the number of its nucleus.

    Parameters
    ----------
    package
        A model package of the task "segment".
    shape
        Height and width of the images, px, at least 16 each.
    read_noise_e, engine, precision, threads
        As of `models.denoise.Denoiser`.

    Raises
    ------
    ModelError
        If the package is for something else, or no engine runs it here.
    """

    def __init__(
        self,
        package: Package,
        shape: tuple[int, int],
        read_noise_e: float,
        engine: str = "auto",
        precision: str = "auto",
        threads: int = 1,
    ) -> None:
        check_segmenter(package)
        if min(shape) < _MIN_PX:
            raise ValueError(f"images must be at least {_MIN_PX} px high and wide, got {shape}")
        self.shape, self._manifest = shape, package.manifest
        self._pedestal = np.float32(0.375 + read_noise_e**2)
        padded = (round_up(shape[0]), round_up(shape[1]))
        self._engine = open_engine(package, padded, engine, precision, threads)
        self.model_id = f"{package.model_id} {self._engine.name}-{self._engine.precision}"

    def __call__(self, photons: NDArray[np.float32]) -> tuple[NDArray[np.int32], int]:
        """Return the nucleus of each pixel, (Y, X) int32, 0 for none, and how many there are.

        Parameters
        ----------
        photons
            Photo-electrons a pixel, raw or restored, (Y, X) float32.

        Raises
        ------
        ModelError
            If the engine answers no number.
        """
        height, width = self.shape
        plane = self._engine.frames[0, 0]
        inner = plane[:height, :width]
        np.add(photons, self._pedestal, out=inner)
        np.maximum(inner, np.float32(0.0), out=inner)
        np.sqrt(inner, out=inner)
        inner *= np.float32(2.0 / self._manifest.sd)
        inner -= np.float32(self._manifest.mu / self._manifest.sd)
        for row in range(height, plane.shape[0]):
            plane[row, :width] = plane[2 * (height - 1) - row, :width]
        for column in range(width, plane.shape[1]):
            plane[:, column] = plane[:, 2 * (width - 1) - column]
        out = self._engine.infer(self._engine.frames)[0, :, :height, :width]
        if not np.isfinite(out.sum()):
            raise ModelError(f"{self.model_id} answers no number")
        return labels_of(out)

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._engine.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._engine.close()


def labels_of(maps: NDArray[np.float32]) -> tuple[NDArray[np.int32], int]:
    """Return labels from the three maps, (3, Y, X), and how many there are.

    A watershed of the depth, in one step: each core is flooded to where the next one's water
    stands, which is half-way between both, and never beyond the foreground.
    """
    inside = maps[FOREGROUND] > 0
    calm = cv2.GaussianBlur(np.ascontiguousarray(maps[CORE]), (0, 0), _CALM_PX)
    away = np.where((calm > 0) & inside, 0, 1).astype(np.uint8)
    if away.all():
        return np.zeros(away.shape, np.int32), 0
    _, zones = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    count = int(zones.max())
    labels = np.where(inside, zones, 0)
    _, islands = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)
    home = np.zeros(count + 1, np.int32)
    cores = away == 0
    home[zones[cores]] = islands[cores]
    labels[home[labels] != islands] = 0  # no water flows over land
    small = np.bincount(labels.ravel(), minlength=count + 1) < _LEAST_PX
    if small[1:].any():
        labels[small[labels]] = 0
    return np.asarray(labels, np.int32), count


def check_segmenter(package: Package) -> None:
    """Refuse a package that is no segmenter.

    Raises
    ------
    ModelError
        With what it is, and what to do.
    """
    m = package.manifest
    found = (m.task, m.inverse, m.outputs, m.upscale, m.in_channels)
    if found != ("segment", "maps", 3, 1, 1):
        raise ModelError(
            f"{package.model_id} is no segmenter: task, answer, outputs, upscale and planes are "
            f"{found}: choose a package of the task 'segment'"
        )
