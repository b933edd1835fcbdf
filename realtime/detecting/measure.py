"""From a label image to numbers: place and its covariance, area, light, shape, score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.detections import Detections, snr_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GRID = 1.0 / 12.0
"""Variance of a place within one pixel, px^2: an outline is known no better."""

_SHORT = 2**16
"""Numbers below that fit in 16 bits."""


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
    inside = np.flatnonzero(labels != 0)
    names = labels.ravel()[inside]
    # Short numbers are sorted fastest; then each sum is over a run.
    order = np.argsort(names.astype(np.uint16) if count < _SHORT else names, kind="stable")
    inside, names = inside[order], names[order]
    is_first = np.ones(len(names), bool)
    np.not_equal(names[1:], names[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    here = names[starts]
    bright = light.ravel()[inside].astype(np.float64)
    behind = background.ravel()[inside].astype(np.float64)
    y, x = np.divmod(inside, labels.shape[1])
    weight = np.maximum(bright, 0.0)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.zeros(count + 1)
        if len(here):
            sums[here] = np.add.reduceat(values, starts)
        return sums

    pixels, mass = np.bincount(names, minlength=count + 1).astype(np.float64), total(weight)
    whole = np.maximum(mass, 1e-12)
    cy, cx = total(weight * y) / whole, total(weight * x) / whole
    dy, dx = y - cy[names], x - cx[names]
    # Of the mean over a block.
    noise = (weight + np.maximum(behind, 0.0) + read_noise_e**2) * (1.0 / shrink**2)
    squares = (dy * dy, dy * dx, dx * dx)
    second = [total(weight * square) / whole for square in squares]
    spread = [total(noise * square) / whole**2 for square in squares]
    signal_e = total(bright) / np.maximum(pixels, 1.0)
    behind_e = total(behind) / np.maximum(pixels, 1.0)
    area_px = pixels * shrink**2
    floor = np.sqrt(np.maximum(behind_e, 0.0) + read_noise_e**2 + 1e-12)
    score = signal_e * np.sqrt(area_px) / floor
    keep = (pixels >= max(least_px, 1.0)) & (mass > 0) & (score >= least_score)
    keep[0] = False
    covariance = _matrices([s[keep] * shrink**2 for s in spread])
    covariance[:, (0, 1), (0, 1)] += _GRID * shrink**2 / np.maximum(pixels[keep], 1.0)[:, None]
    shift = (shrink - 1) / 2
    return Detections(
        y_px=cy[keep] * shrink + shift,
        x_px=cx[keep] * shrink + shift,
        area_px=area_px[keep],
        photons=signal_e[keep] * area_px[keep],
        signal_e=signal_e[keep],
        snr=snr_of_mean(signal_e[keep], behind_e[keep], area_px[keep], read_noise_e),
        background_e=float(np.median(background[::4, ::4])),
        read_noise_e=read_noise_e,
        covariance_px2=covariance,
        eccentricity=eccentricity_of(_matrices([s[keep] for s in second])),
        score=score[keep],
    )


def _matrices(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return symmetric matrices (N, 2, 2) from their yy, yx and xx parts."""
    yy, yx, xx = parts
    return np.stack((yy, yx, yx, xx), axis=-1).reshape(-1, 2, 2)


def eccentricity_of(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the eccentricity of ellipses with these second moments, (N, 2, 2): 0 is a circle."""
    half = 0.5 * (moments[:, 0, 0] + moments[:, 1, 1])
    differ = np.hypot(0.5 * (moments[:, 0, 0] - moments[:, 1, 1]), moments[:, 0, 1])
    small, large = np.maximum(half - differ, 0.0), np.maximum(half + differ, 1e-12)
    return np.asarray(np.sqrt(1.0 - small / large))
