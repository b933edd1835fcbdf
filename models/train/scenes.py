"""Simulated specimens to learn from: cells, nuclei, spots, filaments, membranes and texture.

Not physics, but a wide net: shapes, sizes, densities and blurs that light microscopes show, so that
the network meets no image type for the first time at the microscope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.train.cells import draw_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]


def make_scene(rng: np.random.Generator, size: int, kind: str = "") -> Image:
    """Return one specimen as seen through a microscope, (size, size) float32 between 0 and 1.

    ``kind`` is one of `cells`, `nuclei`, `spots`, `filaments`, `membranes`, `clouds`; else any, and
    mixed.
    """
    names = list(_KINDS)
    weights = np.array([_KINDS[name][1] for name in names])
    first = kind or str(rng.choice(names, p=weights / weights.sum()))
    scene = _draw(rng, size, first)
    if not kind and rng.random() < 0.3:
        other = _draw(rng, size, str(rng.choice(names)))
        scene = scene + np.float32(rng.uniform(0.1, 0.8)) * other
    if first == "cells":  # of few pixels: the rims stay sharp
        sharp, soft = 0.4, 1.6
    else:
        sharp, soft = 0.7, 2.2
    scene = blurred(scene, rng.uniform(sharp, soft))  # the objective, px
    if rng.random() < 0.5:  # out-of-focus light
        haze = blurred(scene, rng.uniform(8.0, 30.0))
        scene = scene + np.float32(rng.uniform(0.1, 1.0)) * haze
    return scaled(scene)


def oriented_crop(rng: np.random.Generator, scenes: Sequence[Image], size: int) -> Image:
    """Cut a random square out of a random specimen, turned and mirrored at random."""
    scene = scenes[int(rng.integers(len(scenes)))]
    y, x = (int(rng.integers(0, n - size + 1)) for n in scene.shape)
    piece = np.rot90(scene[y : y + size, x : x + size], int(rng.integers(4)))
    return np.ascontiguousarray(piece[:, ::-1] if rng.random() < 0.5 else piece)


def scaled(image: Image) -> Image:
    """Return ``image`` between 0 and about 1 (its 99.8 percentile)."""
    low, high = float(image.min()), float(np.quantile(image, 0.998))
    return np.asarray((image - low) / max(high - low, 1e-6), np.float32)


def blurred(image: Image, sigma_px: float) -> Image:
    """Return ``image`` after a Gaussian blur, mirrored at the edges."""
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32
    )


def _draw(rng: np.random.Generator, size: int, kind: str) -> Image:
    return _KINDS[kind][0](rng, size)


def _texture(rng: np.random.Generator, size: int, grain_px: float) -> Image:
    """Smooth random field with mean 0 and standard deviation 1."""
    small = max(int(size / max(grain_px, 1.0)) + 3, 4)
    field = rng.standard_normal((small, small)).astype(np.float32)
    field = cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)


def _outline(rng: np.random.Generator, radius_px: float) -> NDArray[np.float64]:
    """Draw a closed wobbly contour around (0, 0), (64, 2) px."""
    angle = np.linspace(0.0, 2 * np.pi, 64, endpoint=False)
    wobble = sum(
        rng.normal(0.0, 0.12 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
        for k in range(2, 6)
    )
    squeeze, turn = rng.uniform(0.55, 1.0), rng.uniform(0, np.pi)
    x = radius_px * (1 + wobble) * np.cos(angle)
    y = radius_px * (1 + wobble) * np.sin(angle) * squeeze
    return np.stack(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1
    )


def _fill(image: Image, contour: NDArray[np.float64], value: float) -> None:
    points = np.round(contour * 16).astype(np.int32)  # 4 fractional bits
    cv2.fillPoly(image, [points], float(value), lineType=cv2.LINE_8, shift=4)


def _nuclei(rng: np.random.Generator, size: int) -> Image:
    radius = float(np.exp(rng.uniform(np.log(4.0), np.log(32.0))))
    count = int(np.clip(rng.uniform(0.05, 0.5) * size**2 / (np.pi * radius**2), 1, 200))
    image = np.zeros((size, size), np.float32)
    for _ in range(count):
        layer = np.zeros_like(image)
        centre = rng.uniform(0, size, 2)
        own_radius = radius * float(rng.lognormal(0.0, 0.2))
        _fill(layer, _outline(rng, own_radius) + centre, float(rng.lognormal(0.0, 0.5)))
        for _ in range(int(rng.integers(0, 4))):  # nucleoli: darker
            inside = centre + rng.normal(0, 0.3 * own_radius, 2)
            cv2.circle(layer, _pixel(inside), int(0.15 * own_radius) + 1, 0.0, -1)
        np.maximum(image, layer, out=image)
    grain = rng.uniform(1.5, 6.0)
    chromatin = 1.0 + rng.uniform(0.0, 0.35) * _texture(rng, size, grain)
    return np.asarray(image * np.maximum(chromatin, 0.1), np.float32)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _spots(rng: np.random.Generator, size: int) -> Image:
    image = np.zeros((size, size), np.float32)
    count = int(np.exp(rng.uniform(np.log(5), np.log(0.02 * size**2))))
    where = rng.integers(0, size, (count, 2))
    image[where[:, 0], where[:, 1]] = rng.lognormal(0.0, 0.7, count)
    image = blurred(image, rng.uniform(0.6, 1.5))
    image /= max(float(image.max()), 1e-6)
    if rng.random() < 0.6:
        image = image + np.float32(rng.uniform(0.05, 0.5)) * scaled(_nuclei(rng, size))
    return np.asarray(image, np.float32)


def _filaments(rng: np.random.Generator, size: int) -> Image:
    image = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(5, 80))):
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.02, 0.2), 80))
        steps = 4.0 * np.stack([np.cos(heading), np.sin(heading)], axis=1)
        path = rng.uniform(0, size, 2) + np.cumsum(steps, axis=0)
        layer = np.zeros_like(image)
        cv2.polylines(
            layer,
            [np.round(path * 16).astype(np.int32)],
            False,
            float(rng.lognormal(0, 0.4)),
            thickness=int(rng.integers(1, 4)),
            shift=4,
        )
        image += layer
    return image


def _membranes(rng: np.random.Generator, size: int) -> Image:
    points = np.ones((size, size), np.uint8)
    count = int(rng.integers(6, 80))
    points[rng.integers(0, size, count), rng.integers(0, size, count)] = 0
    distance, label = cv2.distanceTransformWithLabels(
        points, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    edge = cv2.morphologyEx(label.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
    body = np.float32(rng.uniform(0.0, 0.4)) * rng.random(count + 1, np.float32)[label]
    return np.asarray(edge.astype(np.float32) + body + 0.0 * distance, np.float32)


def _clouds(rng: np.random.Generator, size: int) -> Image:
    octaves = [_texture(rng, size, g) * g ** rng.uniform(0.2, 1.0) for g in (2, 4, 8, 16, 32)]
    image = scaled(np.asarray(sum(octaves), np.float32))
    return np.asarray(image ** np.float32(rng.uniform(1.0, 4.0)), np.float32)


_KINDS: dict[str, tuple[Callable[[np.random.Generator, int], Image], float]] = {
    "nuclei": (_nuclei, 0.45),
    "cells": (draw_cells, 0.25),
    "spots": (_spots, 0.15),
    "filaments": (_filaments, 0.15),
    "membranes": (_membranes, 0.1),
    "clouds": (_clouds, 0.15),
}
"""Each kind of specimen: who draws it, and how often. Nuclei, crisp ones among them, lead: the
shipped runs track them."""
