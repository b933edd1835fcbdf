"""How good a restored image is: decibels against a reference that has noise itself, and intervals.

Where zero light lies and how bright one is nobody knows of recorded 8-bit images, so an image is
scored after the gain and offset that fit it best to the reference, the same for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Image = NDArray[np.float64]

_DRAWS, _SEED = 2000, 5
_RESOLVED = 1.0 / 7.0
"""Correlation down to which a ring counts as resolved (Rosenthal & Henderson, J. Mol. Biol. 2003,
there for halves of the data; here the other side is the truth, so 1/7 is lenient for all alike)."""


class Interval(NamedTuple):
    """A mean, the 95 % interval of it, and from how many fields it was drawn."""

    mean: float
    low: float
    high: float
    fields: int

    def words(self, unit: str = "") -> str:
        """Write it as people read it."""
        return f"{self.mean:+.2f}{unit} ({self.low:+.2f} to {self.high:+.2f}, n={self.fields})"


def range_of(reference: NDArray[Any]) -> float:
    """Return the range of an image: from its 0.1 to its 99.9 percentile."""
    low, high = np.quantile(reference, [0.001, 0.999])
    return float(max(high - low, 1e-9))


def fitted_db(image: NDArray[Any], reference: NDArray[Any], reference_variance: float) -> float:
    """Return the PSNR after a gain and offset fit, dB, without the reference's own noise.

    Parameters
    ----------
    image, reference
        Estimate and mean of repeated exposures, any unit, (Y, X).
    reference_variance
        Mean variance of the noise that is left in the reference, its unit squared.
    """
    slope, shift = np.polyfit(image.ravel().astype(float), reference.ravel().astype(float), 1)
    return db(slope * image + shift, reference, reference_variance)


def db(image: NDArray[Any], reference: NDArray[Any], reference_variance: float = 0.0) -> float:
    """Return the PSNR as it is, dB, without the reference's own noise."""
    error = float(np.mean((np.asarray(image, np.float64) - reference) ** 2)) - reference_variance
    return float(20 * np.log10(range_of(reference)) - 10 * np.log10(max(error, 1e-12)))


def paired(differences: ArrayLike, fields: ArrayLike | None = None) -> Interval:
    """Return the mean difference of pairs and its interval: whole fields are drawn, with return.

    Parameters
    ----------
    differences
        One for each image, (N,).
    fields
        Which field each image shows, (N,); None: each its own.
    """
    each = np.asarray(differences, float)
    names = np.arange(len(each)) if fields is None else np.asarray(fields)
    by_field = np.array([each[names == name].mean() for name in np.unique(names)])
    rng = np.random.default_rng(_SEED)
    draws = by_field[rng.integers(0, len(by_field), (_DRAWS, len(by_field)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(by_field.mean()), float(low), float(high), len(by_field))


def ring_correlation(image: NDArray[Any], truth: NDArray[Any]) -> tuple[Image, Image]:
    """Return frequencies, cycles/px, and the correlation with the truth in each Fourier ring.

    References
    ----------
    Saxton & Baumeister, J. Microsc. 127, 1982; Banterle et al., J. Struct. Biol. 183, 2013.
    """
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    spectra = [np.fft.fft2((np.asarray(i, float) - np.mean(i)) * window) for i in (image, truth)]
    y, x = (np.fft.fftfreq(n) for n in image.shape)
    size = min(image.shape)
    ring = np.minimum((np.hypot.outer(y, x) * size).astype(int), size // 2).ravel()

    def summed(values: Image) -> Image:
        return np.bincount(ring, values.ravel(), size // 2 + 1)[: size // 2].astype(np.float64)

    cross = summed((spectra[0] * np.conj(spectra[1])).real)
    power = summed(np.abs(spectra[0]) ** 2) * summed(np.abs(spectra[1]) ** 2)
    return (np.arange(size // 2) + 0.5) / size, cross / np.sqrt(np.maximum(power, 1e-300))


def resolved_px(frequency: Image, correlation: Image) -> float:
    """Return the finest resolved period, px: where the curve first falls below 1/7."""
    below = np.flatnonzero(correlation < _RESOLVED)
    last = int(below[0]) if len(below) else len(frequency) - 1
    return float(1.0 / frequency[max(last, 0)])
