"""Restores the images of a recording and finds their cells, as a run would have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from lightloop.build.detect import build_detector
from lightloop.build.pipeline import load_package
from lightloop.config import NetworkConfig, RunConfig
from lightloop.tracking.cell_size import measured_diameter
from models.denoise import Denoiser, Passthrough
from models.errors import ModelError
from realtime.export.outlines import Outlines
from realtime.planes.heights import heights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightloop.recordings.recording import Recording, TimePoint
    from models.package import Package
    from realtime.detecting.config import DetectorConfig
    from realtime.detections import Detections

SIZE_IMAGES = 8
"""Images, spread over the film, that the size of a cell is read from."""
KINDS = ("nuclei", "spots")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to follow.

    Attributes
    ----------
    network
        Denoiser to look through, by name or path; empty: none.
    diameter_px
        Usual diameter of a cell; None: it is read from the images.
    pixel_um, interval_s
        What the recording does not say of itself, or says wrongly; None: it is right.
    find
        "nuclei", "spots", or a network that outlines nuclei, by name or path; empty: as the run
        did, and nuclei where there was no run.
    """

    network: str = ""
    diameter_px: float | None = None
    pixel_um: float | None = None
    interval_s: float | None = None
    find: str = ""

    def looks(self, of_run: DetectorConfig) -> DetectorConfig:
        """Return how to look for cells, but for their size."""
        if not self.find:
            return of_run
        kind, network = (self.find, "") if self.find in KINDS else ("nuclei", self.find)
        if network:
            self._outliner()
        return of_run.model_copy(update={"kind": kind, "network": network})

    def denoiser(self) -> Package:
        """Load the network to look through.

        Raises
        ------
        ModelError
            If there is none of that name, it is damaged, or it is no denoiser.
        """
        package = load_package(self.network, None)
        if package.manifest.task == "segment":
            raise ModelError(f"{self.network} outlines nuclei: write --find {self.network}")
        return load_package(self.network)

    def _outliner(self) -> None:
        """Make sure that what finds cells is a network that outlines them."""
        try:
            task = load_package(self.find, None).manifest.task
        except ModelError as err:
            raise ModelError(f"--find takes nuclei, spots, or a network: {err}") from err
        if task == "denoise":
            raise ModelError(f"{self.find} is a denoiser: write --network {self.find}")


class Eye:
    """What stands before the tracker: the denoiser and the detector of the live loop.

    Attributes
    ----------
    diameter_px
        Of a usual cell, as given or as measured.
    looks
        How cells are looked for.

    Raises
    ------
    ModelError
        If a network cannot be used.
    """

    def __init__(self, recording: Recording, wanted: Wanted) -> None:
        camera, shape = recording.camera, recording.shape
        numbers = (camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e)
        self._restore: Denoiser | Passthrough = Passthrough(shape, *numbers)
        if wanted.network:
            self._restore = Denoiser(wanted.denoiser(), shape, *numbers)
        looks = wanted.looks(recording.detect)
        self.diameter_px = wanted.diameter_px or measured_diameter(
            self._some(recording), looks, camera.read_noise_e
        )
        self.looks = looks.model_copy(update={"diameter_px": self.diameter_px})
        config = RunConfig.model_construct(detect=self.looks, network=NetworkConfig())
        self._detect: Any = build_detector(config, camera.read_noise_e)
        known = recording.planes_um > 0 and recording.pixel_um > 0
        self._plane_px = recording.planes_um / recording.pixel_um if known else 1.0

    def find(self, point: TimePoint, images: list[NDArray[np.uint16]]) -> tuple[Detections, Any]:
        """Return the cells of a time point, and the image that they were found in.

        Planes are projected by their maximum; how high each cell is, its light in the planes says.
        """
        stack = self._stack(point, images)
        whole = stack[0] if len(stack) == 1 else np.maximum.reduce(stack)
        found = self._detect(whole)
        if len(stack) > 1:
            at = np.array(point.at) if point.at else None
            high = heights(found, stack, at)
            scale = self._plane_px
            found = replace(found, z_px=scale * high.at, z_sd_px=scale * high.sd)
        return found, whole

    def outlines(self, found: Detections, whole: NDArray[np.float32]) -> Outlines | None:
        """Return whose pixel is whose, of what was just found; None: the detector draws none."""
        masks = getattr(self._detect, "masks", None)
        if masks is None or bool(getattr(self._detect, "why", None)):
            return None
        labels = of_shape(masks(whole), whole.shape, getattr(self._detect, "shrink", 1))
        places = np.column_stack((found.y_px, found.x_px))
        return Outlines(numbered(labels, places, found.area_px), places)

    def close(self) -> None:
        """Free the networks."""
        self._restore.close()
        if hasattr(self._detect, "close"):
            self._detect.close()

    def _stack(
        self, point: TimePoint, images: list[NDArray[np.uint16]]
    ) -> list[NDArray[np.float32]]:
        planes: list[NDArray[np.float32]] = []
        for plane, adu in zip(point.planes, images, strict=True):
            if isinstance(self._restore, Denoiser):
                self._restore.expect(plane.moment)
            photons = self._restore(adu).photons
            planes.append(photons.copy() if len(images) > 1 else photons)
        assert planes, "every time point has a plane"
        return planes

    def _some(self, recording: Recording) -> list[NDArray[np.float32]]:
        """Return some images, projected, spread over the film."""
        points = [point for field in recording.fields.values() for point in field]
        which = np.unique(np.linspace(0, len(points) - 1, SIZE_IMAGES).astype(int)).tolist()
        found = []
        for n in which:
            images = [plane.read() for plane in points[n].planes]
            found.append(np.maximum.reduce(self._stack(points[n], images)).copy())
        return found


def of_shape(labels: NDArray[np.int32], shape: tuple[int, ...], shrink: int) -> NDArray[np.int32]:
    """Return labels on the grid of the raw image; those of a shrunk one grow to their blocks."""
    if labels.shape == shape:
        return labels
    fine = labels.repeat(shrink, 0).repeat(shrink, 1)[: shape[0], : shape[1]]
    whole = np.zeros(shape, np.int32)
    whole[: fine.shape[0], : fine.shape[1]] = fine
    return whole


def numbered(
    labels: NDArray[np.int32], places: NDArray[np.float64], areas_px: NDArray[np.float64]
) -> NDArray[np.uint16]:
    """Return 1 + the number of the detection that each pixel belongs to, 0 for none.

    A detection is the label of just its area whose middle is nearest; labels that were too small,
    or too dim, are nobody's.
    """
    names = np.zeros(int(labels.max(initial=0)) + 1, np.uint16)
    pixels = np.bincount(labels.ravel(), minlength=len(names))
    pixels[0] = 0
    there = np.flatnonzero(pixels)
    if not len(there) or not len(places):
        return np.zeros(labels.shape, np.uint16)
    y, x = np.nonzero(labels)
    of = labels[y, x]
    middles = np.column_stack(
        [np.bincount(of, axis, len(names))[there] / pixels[there] for axis in (y, x)]
    )
    area = pixels[there].astype(np.float64)
    tree = cKDTree(middles)
    near = min(4, len(there))
    away, which = tree.query(places, near)
    away, which = away.reshape(len(places), near), which.reshape(len(places), near)
    fits = np.abs(area[which] - areas_px[:, None]) < 1.0
    best = np.where(fits, away, away + 1e6).argmin(axis=1)
    for number in range(len(places)):
        names[there[which[number, best[number]]]] = number + 1
    return np.asarray(names[labels])
