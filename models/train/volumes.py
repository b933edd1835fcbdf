"""Specimens in depth to learn from, and the stack of planes that a microscope sees of them.

Depth is counted in layers of a quarter depth of field. Shapes and ranges are proposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

LAYERS_PER_DEPTH_OF_FIELD = 4
LAYERS, SIZE = 32, 160
_RAYLEIGH = 1.8
"""Depths of field per Rayleigh range, inverted: a focus of sigma 0.21 lambda / NA (Zhang, Zerubia &
Olivo-Marin, 2007) has waist 0.42 lambda / NA, so ``pi w^2 n / lambda = 0.55 n lambda / NA^2``."""


def make_stack(
    rng: np.random.Generator,
    size: int = SIZE,
    layers: int = LAYERS,
    per_depth_of_field: int = LAYERS_PER_DEPTH_OF_FIELD,
) -> Image:
    """Return a clean stack, (layers, size, size) float32, 0 to about 1."""
    names = list(_KINDS)
    weights = np.array([_KINDS[name][1] for name in names])
    first, second = (str(v) for v in rng.choice(names, 2, p=weights / weights.sum()))
    volume = _scaled(_KINDS[first][0](rng, layers, size))
    if rng.random() < 0.35:
        volume += np.float32(rng.uniform(0.1, 0.8)) * _scaled(_KINDS[second][0](rng, layers, size))
    seen = through_focus(volume, rng.uniform(0.4, 1.6), _sectioning(rng), per_depth_of_field)
    return _scaled(seen)


def _sectioning(rng: np.random.Generator) -> float | None:
    """Draw how thick a section a confocal or light sheet sees, depths of field; None: widefield."""
    return None if rng.random() < 0.5 else float(rng.uniform(0.35, 1.2))


def through_focus(
    volume: Image,
    sigma_px: float,
    section: float | None,
    per_depth_of_field: int = LAYERS_PER_DEPTH_OF_FIELD,
) -> Image:
    """Return what the microscope sees focused on each layer, same shape.

    Light from a layer that is ``u`` depths of field away is blurred by a Gaussian of sigma
    ``sigma_px * sqrt(1 + (1.8 u)^2)``; with a ``section``, it is dimmed by a Gaussian of that
    sigma, depths of field. The edges wrap round.
    """
    layers, height, width = volume.shape
    spectrum = fft.rfft2(volume)
    frequency2 = np.add.outer(fft.fftfreq(height) ** 2, fft.rfftfreq(width) ** 2)
    seen = np.zeros_like(spectrum)
    for away in range(layers):
        u = away / per_depth_of_field
        weight = 1.0 if section is None else float(np.exp(-(u**2) / (2 * section**2)))
        if weight < 1e-3:
            break
        sigma2 = sigma_px**2 * (1 + (_RAYLEIGH * u) ** 2)
        pass_band = (weight * np.exp(-2 * np.pi**2 * sigma2 * frequency2)).astype(np.float32)
        filtered = spectrum * pass_band
        seen[: layers - away] += filtered[away:]
        if away:
            seen[away:] += filtered[: layers - away]
    return np.asarray(np.maximum(fft.irfft2(seen, s=(height, width)), 0.0), np.float32)


def _scaled(volume: Image) -> Image:
    low, high = float(volume.min()), float(np.quantile(volume[::2, ::3, ::3], 0.998))
    return np.asarray((volume - low) / max(high - low, 1e-6), np.float32)


def _field(rng: np.random.Generator, layers: int, size: int, grain_px: float) -> Image:
    """Draw a smooth random volume, mean 0, standard deviation 1, grains as deep as wide."""
    across, deep = int(size / grain_px) + 3, int(layers / max(grain_px / 3.0, 1.0)) + 3
    coarse = rng.standard_normal((deep, across, across)).astype(np.float32)
    planes = np.stack([cv2.resize(c, (size, size), interpolation=cv2.INTER_CUBIC) for c in coarse])
    at = np.linspace(0.0, deep - 1.001, layers)
    whole, part = at.astype(int), (at % 1.0).astype(np.float32)[:, None, None]
    field = (1 - part) * planes[whole] + part * planes[whole + 1]
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)


def _bodies(rng: np.random.Generator, layers: int, size: int, *, hollow: bool = False) -> Image:
    """Draw ellipsoids, filled as nuclei or hollow as membranes."""
    volume = np.zeros((layers, size, size), np.float32)
    radius = float(np.exp(rng.uniform(np.log(4.0), np.log(30.0))))
    half_depth = float(np.exp(rng.uniform(np.log(1.5), np.log(14.0))))
    roundness = float(rng.choice([2.0, 2.0, 4.0, 8.0]))
    filled = layers * size**2 / (4.2 * radius**2 * half_depth)
    count = int(np.clip(rng.uniform(0.05, 0.5) * filled, 1, 120))
    for _ in range(count):
        axes = np.array([half_depth, radius, radius * rng.uniform(0.6, 1.0)])
        axes *= rng.lognormal(0.0, 0.2)
        dye = float(rng.lognormal(0.0, 0.5))
        _add_body(rng, volume, axes, dye, roundness, hollow=hollow)
    grain = 1.0 + rng.uniform(0.0, 0.4) * _field(rng, layers, size, rng.uniform(1.5, 6.0))
    return np.asarray(volume * np.maximum(grain, 0.1), np.float32)


def _add_body(
    rng: np.random.Generator,
    volume: Image,
    axes: NDArray[np.float64],
    dye: float,
    roundness: float,
    *,
    hollow: bool,
) -> None:
    """Add one ellipsoid of semi-axes (z, y, x), turned in the plane, in place.

    ``roundness`` is the power of its height: 2 is an ellipsoid, more has a flat top.
    """
    centre = rng.uniform(0, volume.shape)
    reach = np.array([axes[0], axes[1:].max(), axes[1:].max()])
    low = np.maximum(centre - reach, 0).astype(int)
    high = np.minimum(centre + reach + 2, volume.shape).astype(int)
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    z, y, x = (np.arange(a, b) - c for a, b, c in zip(low, high, centre, strict=True))
    turn = rng.uniform(0, np.pi)
    along = (np.cos(turn) * x[None, :] + np.sin(turn) * y[:, None]) / axes[1]
    across = (np.cos(turn) * y[:, None] - np.sin(turn) * x[None, :]) / axes[2]
    distance2 = np.abs(z[:, None, None] / axes[0]) ** roundness + (along**2 + across**2)[None]
    if hollow:
        body = np.exp(-(((np.sqrt(distance2) - 0.9) * axes[1] / 1.5) ** 2))
    else:
        body = np.clip((1.0 - distance2) * axes[1] / 2.0, 0.0, 1.0)
    volume[part] = np.maximum(volume[part], (dye * body).astype(np.float32))


def _membranes(rng: np.random.Generator, layers: int, size: int) -> Image:
    return _bodies(rng, layers, size, hollow=True)


def _spots(rng: np.random.Generator, layers: int, size: int) -> Image:
    volume = np.zeros((layers, size, size), np.float32)
    count = int(np.exp(rng.uniform(np.log(20), np.log(0.003 * volume.size))))
    where = tuple(rng.integers(0, n, count) for n in volume.shape)
    volume[where] = rng.lognormal(0.0, 0.7, count)
    return volume


def _filaments(rng: np.random.Generator, layers: int, size: int) -> Image:
    volume = np.zeros((layers, size, size), np.float32)
    for _ in range(int(rng.integers(5, 60))):
        bend = rng.uniform(0.02, 0.2)
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, bend, 80))
        path = rng.uniform(0, size, 2) + np.cumsum(
            4.0 * np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0
        )
        depth = rng.uniform(0, layers) + np.cumsum(rng.normal(rng.normal(0, 0.2), 0.1, 80))
        points = np.round(path * 16).astype(np.int32)
        dye, width = float(rng.lognormal(0, 0.4)), int(rng.integers(1, 3))
        for index in range(79):
            layer = round(depth[index])
            if 0 <= layer < layers:
                a, b = (tuple(int(v) for v in points[k]) for k in (index, index + 1))
                cv2.line(volume[layer], a, b, dye, width, shift=4)
    return volume


def _clouds(rng: np.random.Generator, layers: int, size: int) -> Image:
    octaves = [_field(rng, layers, size, g) * g ** rng.uniform(0.2, 1.0) for g in (3, 6, 12, 24)]
    volume = np.clip(_scaled(np.asarray(sum(octaves), np.float32)), 0.0, None)
    return np.asarray(volume ** np.float32(rng.uniform(1.0, 4.0)), np.float32)


_KINDS: dict[str, tuple[Callable[[np.random.Generator, int, int], Image], float]] = {
    "bodies": (_bodies, 0.4),
    "membranes": (_membranes, 0.15),
    "spots": (_spots, 0.15),
    "filaments": (_filaments, 0.15),
    "clouds": (_clouds, 0.15),
}
