"""Does an image show the kind of thing that the network learnt from? Its textures, in 15 numbers.

A network that meets a new type of structure may be wrong without a sign in its residuals, for what
it does not know it may take for noise. So the restored image is described by how its steps from
pixel to pixel grow with scale, how rare the large ones are, how much they share a direction, and
how much of them is one frequency or one wavelength; what lies far from all training scenes is told.
Distance is Mahalanobis' (Proc. Natl. Inst. Sci. India 2 (1936) 49); the choice of numbers is ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from models.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package

    Image = NDArray[np.float32]

TRUST = "trust.npz"
"""File of a package that holds a `TypeReference`."""
LEVELS = 4
"""Scales of steps: 1, 2, 4 and 8 px."""
COUNT = 3 * LEVELS + 3
WINDOW_PX = 256
"""Side of the image that is described: that of the training scenes, px."""
_SLOWEST = 5
"""Periods in that square below which a frequency is shape, not pattern (proposed)."""
_FLAT = 0.02
"""Mean square step at 2 and 4 px, units of the noise, below which there is nothing to describe."""


def features(photons: Image, read_noise_e: float) -> NDArray[np.float64] | None:
    """Return what describes an image's textures, (15,); None where there is no structure.

    Parameters
    ----------
    photons
        A restored image, (Y, X) photo-electrons, best of 256 x 256 px.
    read_noise_e
        Read noise, rms photo-electrons: the image is described where its noise is even.
    """
    image = np.maximum(photons, np.float32(0.0))
    image += np.float32(0.375 + read_noise_e**2)
    np.sqrt(image, out=image)
    image *= np.float32(2.0)
    patterns = _patterns(image)
    powers, rarities, directions = [], [], []
    for level in range(LEVELS):
        if level:
            rows, columns = (n // 2 for n in image.shape)
            whole = image[: 2 * rows, : 2 * columns]
            image = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        power, rarity, direction = _steps(image)
        powers.append(power)
        rarities.append(rarity)
        directions.append(direction)
    if not max(powers[1:3]) > _FLAT:  # waves of 4 px have no step at that distance
        return None
    slopes = np.diff(np.log(np.maximum(powers, 1e-9)))
    mean, sd = cv2.meanStdDev(image)
    skew = float(np.mean(((image - mean[0, 0]) / max(sd[0, 0], 1e-6)) ** 3))
    contrast = np.log(powers[2])
    directed = np.log(np.add(directions, 0.02))
    return np.array([*slopes, *np.log(rarities), *directed, np.arcsinh(skew), contrast, *patterns])


class _Rings(NamedTuple):
    """Wavelengths of a square's slow frequencies: (Y/2, X/4), as `_patterns` orders them.

    `ring` is the one that a frequency lies in, `often` how many lie in each, `is_out` marks those
    that are shape, not pattern, or too fast for their ring to be whole.
    """

    ring: NDArray[np.int64]
    often: NDArray[np.int64]
    is_out: NDArray[np.bool_]
    window: Image


@lru_cache(maxsize=8)
def _rings(rows: int, columns: int) -> _Rings:
    y, x = np.mgrid[-(rows // 4) : rows // 4, : columns // 4]
    far = np.sqrt((y / rows) ** 2 + (x / columns) ** 2) * min(rows, columns)
    ring = far.astype(np.int64)
    is_out = (ring < _SLOWEST) | (ring >= min(rows, columns) // 4)
    window = cv2.createHanningWindow((columns, rows), cv2.CV_32F)
    return _Rings(ring, np.maximum(np.bincount(ring.ravel()), 1), is_out, window)


def _half_waves(square: Image) -> NDArray[np.complexfloating]:
    """Return the frequencies of a square up to 1/4 of the rate along its rows, (Y, X/4)."""
    return np.fft.fft(np.fft.rfft(square)[:, : square.shape[1] // 4], axis=0)


def _patterns(image: Image) -> list[float]:
    """Return how far one frequency, and one wavelength, stand out, as logarithms."""
    rows, columns = (min(n, WINDOW_PX) // 2 * 2 for n in image.shape)
    top, left = ((n - m) // 2 for n, m in zip(image.shape, (rows, columns), strict=True))
    middle = image[top : top + rows, left : left + columns]
    ring, often, is_out, window = _rings(rows, columns)
    waves = _half_waves((middle - cv2.mean(middle)[0]) * window)
    power = (waves.real**2 + waves.imag**2).astype(np.float32)
    power = np.concatenate([power[rows - rows // 4 :], power[: rows // 4]])  # up to 1/4 of the rate
    most = min(rows, columns) // 4
    mean = np.maximum(np.bincount(ring.ravel(), power.ravel()) / often, 1e-6)
    power /= mean.astype(np.float32)[ring]
    power[is_out] = 0.0
    point = np.log(float(power.max()) + 1e-6)
    mean = mean[:most]
    logs = np.log(mean)
    calm = cv2.medianBlur(logs.astype(np.float32)[None], 5)[0]
    calm = cv2.blur(calm[None], (15, 1))[0]
    wave = float((logs - calm)[_SLOWEST:].max())
    return [point, wave]


def _steps(image: Image) -> tuple[float, float, float]:
    """Return the steps' mean square, their kurtosis, and how much they share a direction (0-1)."""
    right = (image[:-1, 1:] - image[:-1, :-1]).ravel()
    down = (image[1:, :-1] - image[:-1, :-1]).ravel()
    of_right, of_down = float(np.dot(right, right)), float(np.dot(down, down))
    crossed = float(np.dot(right, down))
    total = max(of_right + of_down, 1e-12)
    squares = right * right
    squares += down * down
    rarity = float(np.dot(squares, squares)) * squares.size / total**2
    direction = float(np.hypot(of_right - of_down, 2.0 * crossed)) / total
    return total / squares.size, max(rarity, 1e-6), direction


class TypeReference(NamedTuple):
    """What training scenes look like.

    Attributes
    ----------
    mean, whiten
        (15,) and (15, 15): ``whiten @ (features - mean)`` has variance 1 over training scenes.
    far
        Distance beyond which fewer than one of a thousand training scenes lie.
    """

    mean: NDArray[np.float64]
    whiten: NDArray[np.float64]
    far: float

    def distance(self, seen: NDArray[np.float64]) -> float:
        """Return how far an image lies from the training scenes, standard deviations."""
        return float(np.linalg.norm(self.whiten @ (seen - self.mean)))


def load_types(package: Package) -> TypeReference | None:
    """Return what a package's training scenes look like; None if it does not say.

    Raises
    ------
    ModelError
        If the file is damaged, or of another version.
    """
    if TRUST not in package.manifest.sha256:
        return None
    arrays = package.arrays(TRUST)
    wanted = {"mean": (COUNT,), "whiten": (COUNT, COUNT), "far": ()}
    if {name: array.shape for name, array in arrays.items()} != wanted:
        raise ModelError(
            f"{package.model_id}: {TRUST} does not hold {COUNT} numbers of texture: fit it again "
            "(python -m models.train.trust)"
        )
    return TypeReference(arrays["mean"], arrays["whiten"], float(arrays["far"]))


def fit(samples: NDArray[np.float64], share: float = 0.999) -> TypeReference:
    """Learn what training scenes look like.

    Parameters
    ----------
    samples
        Features of held-out training scenes, (N, 15).
    share
        Of them that lie within `far`.
    """
    mean = samples.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(samples.T))
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-9))).T
    distances = np.linalg.norm((samples - mean) @ whiten.T, axis=1)
    return TypeReference(mean, whiten, float(np.quantile(distances, share)))
