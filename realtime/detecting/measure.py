"""From a label image to numbers: place and its covariance, area, light, shape, score."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from realtime.detections import Detections, snr_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GRID = 1.0 / 12.0
"""Variance of a place within one pixel, px^2: an outline is known no better."""


def measure(
    labels: NDArray[np.int32],
    count: int,
    light: NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    shrink: int,
    read_noise_e: float,
    least_px: float,
    least_score: float = 0.0,
) -> Detections:
    """Return what the labels 1 to `count` hold, in px of the raw frame.

    Parameters
    ----------
    labels, light, background
        (Y, X), `shrink` times smaller than the raw frame; light above the background and the
        background, mean photo-electrons of a raw pixel.
    least_px
        Area of the smallest cell, px of `labels`.
    least_score
        What is less than this many sigma above its background is none.
    """
    of = _sums(labels, count, light, background, shrink=shrink, read_noise_e=read_noise_e)
    area_px = of.pixels * float(shrink**2)
    floor = np.sqrt(np.maximum(of.behind_e, 0.0) + read_noise_e**2 + 1e-12)
    score = of.signal_e * np.sqrt(area_px) / floor
    is_cell = (of.pixels >= max(least_px, 1.0)) & (of.mass > 0) & (score >= least_score)
    keep = is_cell.nonzero()[0]
    signal_e, behind_e, area_px = of.signal_e[keep], of.behind_e[keep], area_px[keep]
    shift = (shrink - 1) / 2
    return Detections(
        y_px=of.y[keep] * shrink + shift,
        x_px=of.x[keep] * shrink + shift,
        area_px=area_px,
        photons=signal_e * area_px,
        signal_e=signal_e,
        snr=snr_of_mean(signal_e, behind_e, area_px, read_noise_e),
        background_e=_median(background[::4, ::4]),
        read_noise_e=read_noise_e,
        covariance_px2=_covariance([s[keep] for s in of.spread], of.pixels[keep], shrink),
        eccentricity=eccentricity_of(_matrices([s[keep] for s in of.second])),
        score=score[keep],
    )


class _Sums(NamedTuple):
    """Of each label, (N,), in px of the label image: its sums over pixels.

    Attributes
    ----------
    mass
        Light, where it is above the background.
    second, spread
        yy, yx and xx: second moments of the light, and the covariance of its centre, px^2.
    """

    pixels: NDArray[np.intp]
    mass: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    second: list[NDArray[np.float64]]
    spread: list[NDArray[np.float64]]
    signal_e: NDArray[np.float64]
    behind_e: NDArray[np.float64]


def _sums(
    labels: NDArray[np.int32],
    count: int,
    light: NDArray[np.float32],
    background: NDArray[np.float32],
    *,
    shrink: int,
    read_noise_e: float,
) -> _Sums:
    inside, starts = _runs(labels, count)
    pixels = np.empty_like(starts)
    pixels[:-1], pixels[-1:] = starts[1:], len(inside)
    pixels -= starts
    bright = light.reshape(-1)[inside].astype(np.float64)
    behind = background.reshape(-1)[inside].astype(np.float64)
    y = inside // labels.shape[1]
    x = inside - y * labels.shape[1]
    weight = np.maximum(bright, 0.0)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.add.reduceat(values, starts) if len(starts) else np.empty(0)

    mass = total(weight)
    whole = np.maximum(mass, 1e-12)
    cy, cx = total(weight * y) / whole, total(weight * x) / whole
    dy, dx = y - cy.repeat(pixels), x - cx.repeat(pixels)
    # Of the mean over a block.
    noise = (weight + np.maximum(behind, 0.0) + read_noise_e**2) * (1.0 / shrink**2)
    squares = (dy * dy, dy * dx, dx * dx)
    second = [total(weight * square) / whole for square in squares]
    spread = [total(noise * square) / whole**2 for square in squares]
    signal_e, behind_e = total(bright) / pixels, total(behind) / pixels
    return _Sums(pixels, mass, cy, cx, second, spread, signal_e, behind_e)


def _covariance(
    spread: list[NDArray[np.float64]], pixels: NDArray[np.intp], shrink: int
) -> NDArray[np.float64]:
    """Return how surely each place is known, (N, 2, 2), px^2 of the raw frame."""
    covariance = _matrices([s * shrink**2 for s in spread])
    grid = _GRID * shrink**2 / pixels
    covariance[:, 0, 0] += grid
    covariance[:, 1, 1] += grid
    return covariance


def _runs(labels: NDArray[np.int32], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which pixels are labelled, label by label, and where the run of each one starts."""
    inside = (labels.reshape(-1) != 0).nonzero()[0]
    names = labels.reshape(-1)[inside]
    # Short numbers are sorted fastest; then each sum is over a run.
    order = np.argsort(names.astype(np.min_scalar_type(count)), kind="stable")
    names = names[order]
    is_first = np.ones(len(names), bool)
    np.not_equal(names[1:], names[:-1], out=is_first[1:])
    return inside[order], is_first.nonzero()[0]


def _median(image: NDArray[np.float32]) -> float:
    """Return the median of an image without NaN, as `numpy.median` does, in half its time."""
    half = image.size // 2
    part = np.partition(image.reshape(-1), half)
    if image.size % 2:
        return float(part[half])
    return float((part[:half].max() + part[half]) / np.float32(2))


def _matrices(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return symmetric matrices (N, 2, 2) from their yy, yx and xx parts."""
    table = np.empty((len(parts[0]), 2, 2))
    table[:, 0, 0], table[:, 1, 0], table[:, 1, 1] = parts
    table[:, 0, 1] = parts[1]
    return table


def eccentricity_of(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the eccentricity of ellipses with these second moments, (N, 2, 2): 0 is a circle."""
    half = 0.5 * (moments[:, 0, 0] + moments[:, 1, 1])
    differ = np.hypot(0.5 * (moments[:, 0, 0] - moments[:, 1, 1]), moments[:, 0, 1])
    small, large = np.maximum(half - differ, 0.0), np.maximum(half + differ, 1e-12)
    return np.asarray(np.sqrt(1.0 - small / large))
