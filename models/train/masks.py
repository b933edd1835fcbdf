"""Nuclei with their outlines, simulated and real, and the three maps that a network learns.

The maps are those of `models.segment`: foreground, distance to the rim, seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.train.real import open_allowed
from models.train.scenes import blurred, scaled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Labels = NDArray[np.int32]
    Scene = tuple[Image, Labels]

CORE = 0.5
"""A pixel is in a nucleus's core from this share of its greatest depth on (proposed)."""
_MOST = 160
_LEAST = 0.75
"""Share of a nucleus that must stay free of its neighbours: nuclei are no crescents (proposed)."""
_WOBBLES = (2, 3, 4)
_FACES = 72
"""Points of an outline."""


def maps_of(labels: Labels) -> NDArray[np.float32]:
    """Return what a network should say of a label image, (3, Y, X) float32 between 0 and 1.

    Foreground; depth below the rim as a share of the nucleus's greatest; and core, where that share
    is above one half. Touching nuclei have a rim between them.
    """
    inside = (labels > 0).astype(np.uint8)
    for axis in (0, 1):
        other = np.roll(labels, 1, axis)
        differs = (labels != other) & (labels > 0) & (other > 0)
        differs[(slice(None),) * axis + (0,)] = False
        inside[differs] = 0
    # Nuclei that the frame cuts go on behind its edge.
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    deepest = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(deepest, labels.ravel(), depth.ravel())
    share = np.where(labels > 0, depth / np.maximum(deepest, 1.0)[labels], 0.0)
    return np.stack([labels > 0, share, share > CORE]).astype(np.float32)


def load_nuclei(folder: Path) -> tuple[list[Scene], list[Scene], list[str]]:
    """Read the nuclei that people outlined: the first half to learn from, the last to be judged by.

    Returns
    -------
    train, held_out
        Images (Y, X) float32 between 0 and 1 with their labels.
    sources
        One line: origin and licence, for the card.

    Raises
    ------
    ValueError
        If the file does not say that weights trained on it may be shipped.
    """
    with open_allowed(folder / "segmentation_nuclei_dsb2018.h5") as file:
        images, labels = np.asarray(file["image"]), np.asarray(file["label"])
        sources = [f"{file.attrs['source']} ({file.attrs['licence']}), first half"]
    half = len(images) // 2
    pairs = [
        (np.maximum(scaled(blurred(i.astype(np.float32), 0.7)), 0.0), n.astype(np.int32))
        for i, n in zip(images, labels, strict=True)
    ]
    return pairs[:half], pairs[half:], sources


def draw_nuclei(rng: np.random.Generator, size: int) -> Scene:
    """Return simulated nuclei, single, touching and dividing, (size, size), and their labels."""
    radius = float(np.exp(rng.uniform(np.log(4.0), np.log(16.0))))
    cover = rng.uniform(0.05, 0.55)
    count = int(np.clip(cover * size**2 / (np.pi * radius**2), 1, _MOST))
    spread = rng.uniform(0.1, 0.9)
    flatness, clumps = rng.uniform(0.05, 0.6), rng.uniform(0.0, 0.8)
    image, labels = np.zeros((size, size), np.float32), np.zeros((size, size), np.int32)
    grain = _grain(rng, size)
    places: list[tuple[float, float, float]] = []
    for name in range(1, count + 1):
        own = radius * float(rng.lognormal(0.0, 0.2))
        y, x = _place(rng, size, own, places, clumps)
        places.append((y, x, own))
        mask = _filled(rng, size, y, x, own, condensed=rng.random() < 0.08)
        whole = int(np.count_nonzero(mask))
        mask &= labels == 0  # a later one lies beside, not upon
        if np.count_nonzero(mask) < _LEAST * max(float(whole), 1.0):
            continue
        labels[mask] = name
        depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
        body = np.minimum(depth / max(float(depth.max()), 1.0), 1.0) ** flatness
        bright = float(rng.lognormal(0.0, spread))
        image[mask] = (bright * body * grain)[mask]
        for _ in range(int(rng.integers(0, 4))):  # nucleoli: darker
            _darken(rng, image, mask, (y, x), own)
    image = blurred(image, rng.uniform(0.5, 1.6))
    if rng.random() < 0.5:  # out-of-focus light
        haze = blurred(image, rng.uniform(6.0, 25.0))
        image = image + np.float32(rng.uniform(0.1, 0.8)) * haze
    return np.maximum(scaled(image), 0.0), labels


def _place(
    rng: np.random.Generator,
    size: int,
    own: float,
    places: list[tuple[float, float, float]],
    clumps: float,
) -> tuple[float, float]:
    """Return a centre: anywhere, or touching a nucleus that is there already."""
    if places and rng.random() < clumps:
        y, x, other = places[int(rng.integers(len(places)))]
        angle, away = rng.uniform(0, 2 * np.pi), (own + other) * rng.uniform(0.75, 1.05)
        return y + away * np.sin(angle), x + away * np.cos(angle)
    return float(rng.uniform(0, size)), float(rng.uniform(0, size))


def _filled(
    rng: np.random.Generator, size: int, y: float, x: float, radius: float, *, condensed: bool
) -> NDArray[np.bool_]:
    """Return the pixels of one nucleus, or of a metaphase plate."""
    angle = np.linspace(0.0, 2 * np.pi, _FACES, endpoint=False)
    wobble = np.ones(_FACES)
    for k in _WOBBLES:
        wobble += rng.normal(0.0, 0.07 / (k - 1)) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    squeeze = rng.uniform(0.25, 0.45) if condensed else rng.uniform(0.6, 1.0)
    turn = rng.uniform(0, np.pi)
    u, v = radius * wobble * np.cos(angle), squeeze * radius * wobble * np.sin(angle)
    points = np.column_stack(
        (x + u * np.cos(turn) - v * np.sin(turn), y + u * np.sin(turn) + v * np.cos(turn))
    )
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 1, shift=4)
    return np.asarray(mask > 0)


def _grain(rng: np.random.Generator, size: int) -> Image:
    """Return chromatin texture, (size, size), mean 1."""
    white = rng.standard_normal((size, size)).astype(np.float32)
    soft = blurred(white, rng.uniform(0.8, 3.0))
    strength = np.float32(rng.uniform(0.0, 0.35) / max(float(soft.std()), 1e-6))
    return np.asarray(np.maximum(1 + strength * soft, 0.2), np.float32)


def _darken(
    rng: np.random.Generator,
    image: Image,
    mask: NDArray[np.bool_],
    centre: tuple[float, float],
    radius: float,
) -> None:
    """Draw one nucleolus into ``image`` in place."""
    y, x = rng.normal(centre, 0.35 * radius)
    hole = np.zeros(mask.shape, np.uint8)
    cv2.circle(hole, (int(x), int(y)), max(1, int(rng.uniform(0.1, 0.2) * radius)), 1, -1)
    image[mask & (hole > 0)] *= np.float32(rng.uniform(0.3, 0.8))
