"""Measure how far a denoiser may be trusted: ``python -m models.train.trust PACKAGE_FOLDER``.

Simulated frames that it never saw are restored by the engine that users run; what their errors are,
beside those that the network states, goes into the package's manifest (`models.conformal`), and
what their textures are into ``trust.npz`` (`models.type_shift`).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from models import conformal, type_shift
from models.denoise import Denoiser
from models.package import Package
from models.regions import Regions, shrunk, split
from models.train.noisy import expose
from models.train.scenes import make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from models.denoise import Denoised

logger = logging.getLogger(__name__)

SIZE = 256
GAIN_ADU_PER_E, OFFSET_ADU, SATURATION_ADU = 2.0, 100.0, 65535.0
ROUNDING_E = 1.0 / np.sqrt(12.0) / GAIN_ADU_PER_E
"""Noise of rounding to whole counts, rms e-."""
READ_NOISE_E = (0.9, 1.6, 2.4)
PEAK_E, BACKGROUND_E = (1.0, 500.0), (0.1, 10.0)
_FRAMES, _SEED = 4_000, 909


class Known(NamedTuple):
    """A simulated specimen and the camera that looks at it.

    Attributes
    ----------
    truth_e
        What the camera should see, (Y, X) float64 photo-electrons.
    camera
        Which of `READ_NOISE_E`.
    """

    truth_e: NDArray[np.float64]
    camera: int


def draw(rng: np.random.Generator, size: int = SIZE, kind: str = "") -> Known:
    """Draw a specimen, its light and a camera; peak and background evenly over octaves."""
    scene = np.maximum(make_scene(rng, size, kind), 0.0).astype(np.float64)
    peak, background = (
        float(np.exp(rng.uniform(*np.log(reach)))) for reach in (PEAK_E, BACKGROUND_E)
    )
    return Known(background + peak * scene, int(rng.integers(len(READ_NOISE_E))))


def frame(rng: np.random.Generator, known: Known) -> NDArray[np.uint16]:
    """Take a noisy frame, (Y, X) ADU."""
    shot = expose(rng, known.truth_e, READ_NOISE_E[known.camera])
    adu = np.round(OFFSET_ADU + GAIN_ADU_PER_E * shot.electrons)
    return np.clip(adu, 0, SATURATION_ADU).astype(np.uint16)


class Denoisers:
    """The package, opened once for each of the cameras."""

    def __init__(self, package: Package, size: int = SIZE) -> None:
        self._each = [
            Denoiser(package, (size, size), GAIN_ADU_PER_E, OFFSET_ADU, read)
            for read in READ_NOISE_E
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for denoise in self._each:
            denoise.close()

    def __call__(self, adu: NDArray[np.uint16], camera: int) -> Denoised:
        """Restore a frame of a camera; the answer is valid until the next of that camera."""
        return self._each[camera](adu)


class Seen(NamedTuple):
    """What is known of a region in one frame, photo-electrons: stated and true error, light."""

    stated_e: float
    true_e: float
    mean_e: float


class Paired(NamedTuple):
    """The same without the truth, from a second frame: its squared error, and chance in that."""

    stated_e: float
    squared_e2: float
    chance_e2: float
    mean_e: float


def compare(regions: Regions, answer: Denoised, known: Known, *, cells: bool) -> Seen:
    """Return the stated and the true error of a region of a restored frame."""
    assert answer.sd_e is not None
    error = (answer.photons - known.truth_e).astype(np.float32)
    squares = (regions.mean(shrunk(v * v), cells=cells) for v in (answer.sd_e, error))
    stated, true = (float(np.sqrt(value)) for value in squares)
    return Seen(stated, true, regions.mean(regions.photons, cells=cells))


def compare_pair(
    regions: Regions,
    answer: Denoised,
    again: NDArray[np.uint16],
    read_noise_e: float,
    *,
    cells: bool,
) -> Paired:
    """Return the stated error of a region, and what a second frame says of it."""
    assert answer.sd_e is not None
    again_e = (again.astype(np.float64) - OFFSET_ADU) / GAIN_ADU_PER_E
    noise_e = np.hypot(read_noise_e, ROUNDING_E)
    squared = conformal.squared_error(answer.photons, again_e, noise_e)
    small = shrunk(squared.astype(np.float32))
    mean = regions.mean(small, cells=cells)
    inside = regions.is_cell == int(cells)
    chance = float(small[inside].std() / np.sqrt(max(inside.sum(), 1))) if inside.any() else 0.0
    stated = float(np.sqrt(regions.mean(shrunk(answer.sd_e**2), cells=cells)))
    return Paired(stated, mean, chance, regions.mean(regions.photons, cells=cells))


def fit_by_pairs(package: Package, frames: int = _FRAMES, seed: int = _SEED) -> dict[str, float]:
    """Return the scales as a user's own camera can find them: from pairs of noisy frames."""
    rng = np.random.default_rng(seed)
    seen: dict[str, list[Paired]] = {"cells": [], "background": []}
    with Denoisers(package) as denoise:
        for known in _many(rng, frames):
            answer = denoise(frame(rng, known), known.camera)
            again, regions = frame(rng, known), split(answer.photons)
            read_e = READ_NOISE_E[known.camera]
            for region, rows in seen.items():
                rows.append(compare_pair(regions, answer, again, read_e, cells=region == "cells"))
    scales: dict[str, float] = {}
    for region, rows in seen.items():
        each = np.array([row for row in rows if np.isfinite(row).all()]).T
        scales |= conformal.fit_from_pairs(region, *each)
    return scales


def fit(package: Package, frames: int = _FRAMES, seed: int = _SEED) -> dict[str, float]:
    """Write `trust.npz` into a package's folder, and return the scales for its manifest."""
    rng = np.random.default_rng(seed)
    seen: dict[str, list[Seen]] = {"cells": [], "background": []}
    textures = []
    with Denoisers(package) as denoise:
        for known in _many(rng, frames):
            answer = denoise(frame(rng, known), known.camera)
            regions = split(answer.photons)
            for region, rows in seen.items():
                rows.append(compare(regions, answer, known, cells=region == "cells"))
            texture = type_shift.features(answer.photons, READ_NOISE_E[known.camera])
            if texture is not None:
                textures.append(texture)
    reference = type_shift.fit(np.array(textures))
    np.savez(package.folder / type_shift.TRUST, **reference._asdict())
    scales: dict[str, float] = {}
    for region, rows in seen.items():
        stated, true, mean = np.array([row for row in rows if np.isfinite(row).all()]).T
        scales |= conformal.fit(region, stated, true, mean)
    return scales


def _many(rng: np.random.Generator, frames: int) -> Iterator[Known]:
    for number in range(frames):
        if number % 500 == 0:
            logger.info("frame %d of %d", number, frames)
        yield draw(rng)


def main() -> None:
    """Fit a package and seal it again."""
    from models.train.pack import seal

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(prog="python -m models.train.trust", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the package")
    parser.add_argument("--frames", type=int, default=_FRAMES)
    asked = parser.parse_args()
    package = Package.load(asked.folder, task="denoise")
    scales = fit(package, asked.frames)
    seal(asked.folder, msgspec.structs.replace(package.manifest, conformal=scales))


if __name__ == "__main__":
    main()
