"""Does an image show the kind of thing that the network learnt from? Its textures, in 13 numbers.

A network that meets a new type of structure may be wrong without a sign in its residuals, for what
it does not know it may take for noise. So the restored image is described by how its steps from
pixel to pixel grow with scale, how rare the large ones are, and how much they share a direction;
what lies far from all training scenes is told. Distance is Mahalanobis' (Proc. Natl. Inst. Sci.
India 2 (1936) 49); the choice of numbers is our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

LEVELS = 4
"""Scales of steps: 1, 2, 4 and 8 px."""
COUNT = 3 * LEVELS + 1
_FLAT = 0.02
"""Mean square step at 4 px, units of the noise, below which there is nothing to describe."""


def features(photons: Image, read_noise_e: float) -> NDArray[np.float64] | None:
    """Return what describes an image's textures, (13,); None where there is no structure.

    Parameters
    ----------
    photons
        A restored image, (Y, X) photo-electrons.
    read_noise_e
        Read noise, rms photo-electrons: the image is described where its noise is even.
    """
    image = np.maximum(photons, np.float32(0.0))
    image += np.float32(0.375 + read_noise_e**2)
    np.sqrt(image, out=image)
    image *= np.float32(2.0)
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
    if not powers[2] > _FLAT:
        return None
    slopes = np.diff(np.log(np.maximum(powers, 1e-9)))
    mean, sd = cv2.meanStdDev(image)
    skew = float(np.mean(((image - mean[0, 0]) / max(sd[0, 0], 1e-6)) ** 3))
    contrast = np.log(powers[2])
    return np.array(
        [*slopes, *np.log(rarities), *np.log(np.add(directions, 0.02)), np.arcsinh(skew), contrast]
    )


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
        (13,) and (13, 13): ``whiten @ (features - mean)`` has variance 1 over training scenes.
    far
        Distance beyond which fewer than one of a thousand training scenes lie.
    """

    mean: NDArray[np.float64]
    whiten: NDArray[np.float64]
    far: float

    def distance(self, seen: NDArray[np.float64]) -> float:
        """Return how far an image lies from the training scenes, standard deviations."""
        return float(np.linalg.norm(self.whiten @ (seen - self.mean)))


def fit(samples: NDArray[np.float64], share: float = 0.999) -> TypeReference:
    """Learn what training scenes look like.

    Parameters
    ----------
    samples
        Features of held-out training scenes, (N, 13).
    share
        Of them that lie within `far`.
    """
    mean = samples.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(samples.T))
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-9))).T
    distances = np.linalg.norm((samples - mean) @ whiten.T, axis=1)
    return TypeReference(mean, whiten, float(np.quantile(distances, share)))
