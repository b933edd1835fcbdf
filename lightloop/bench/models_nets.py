"""The shipped networks as users run them, by the part that they play in the bench."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.denoise import Denoiser
from models.package import Package, list_shipped, shipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightloop.bench.models_sets import Camera

FAST, SUPERRES, AXIAL = "denoise-2d", "superres-fast", "axial-fast"
BEST = "denoise-best"
SABOTAGE_PX = 3.0
"""Blur of every network's answer when the bench is broken on purpose."""


@cache
def find(name: str) -> Package | None:
    """Return a shipped package; None if there is none of that name."""
    return Package.load(shipped(name)) if name in list_shipped() else None


def denoisers() -> dict[str, Package]:
    """Return the shipped denoisers, "fast" and "best" of them."""
    found = {"fast": find(FAST), "best": find(BEST)}
    return {role: package for role, package in found.items() if package is not None}


def spoiled(photons: NDArray[np.float32], *, sabotage: bool) -> NDArray[np.float32]:
    """Return a copy of an answer; blurred, if that is what was asked for."""
    if not sabotage:
        return photons.copy()
    return np.asarray(cv2.GaussianBlur(photons, (0, 0), SABOTAGE_PX), np.float32)


def restore(
    package: Package, frames: NDArray[Any], camera: Camera, *, sabotage: bool = False
) -> NDArray[np.float32]:
    """Return the last of some frames restored, with all of them seen, (Y, X) photo-electrons."""
    denoiser = Denoiser(package, frames.shape[-2:], *camera)
    try:
        for frame in frames:
            answer = denoiser(frame)
        return spoiled(answer.photons, sabotage=sabotage)
    finally:
        denoiser.close()
