"""What every restoring network has in common: its package, its engine, and its planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.engines import open_engine
from models.errors import ModelError
from models.strips import strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines import EngineInfo
    from models.manifest import Manifest
    from models.package import Package

STRIDE = 8
"""Height and width of what a network sees are multiples of this, px (`models.unet`)."""
_MIN_PX = 16
_READABLE = (("posterior-mean", "clean"), ("unbiased", "noisy"))
"""Ways out of the stabilised domain that fit what a network has learnt from."""


class Network:
    """An open network of one task: write its planes, then let it infer.

    Parameters
    ----------
    package, task
        A model package, and what it must be for.
    shape
        Height and width of the images, px, at least 16 each; they are padded to multiples of 8.
    engine, precision, threads
        See `models.engines.open_engine`.

    Raises
    ------
    ModelError
        If the package is for something else, or no engine runs it here.
    """

    def __init__(
        self,
        package: Package,
        task: str,
        shape: tuple[int, int],
        engine: str = "auto",
        precision: str = "auto",
        threads: int = 1,
    ) -> None:
        check_package(package, task)
        if min(shape) < _MIN_PX:
            raise ValueError(f"frames must be at least {_MIN_PX} px high and wide, got {shape}")
        self.manifest: Manifest = package.manifest
        self.shape = shape
        self.padded = (round_up(shape[0]), round_up(shape[1]))
        self._engine = open_engine(package, self.padded, engine, precision, threads)
        self.model_id = f"{package.model_id} {self._engine.name}-{self._engine.precision}"
        wanted, found = self.manifest.in_channels, self._engine.frames.shape[1]
        if found != wanted:
            self.close()
            raise ModelError(
                f"{package.model_id}: the engine {self._engine.name} takes {found} planes, the "
                f"package states {wanted}: get the package again"
            )

    @property
    def planes(self) -> NDArray[np.float32]:
        """The engine's own input, (C, padded Y, padded X) float32: written here, never copied."""
        planes: NDArray[np.float32] = self._engine.frames[0]
        return planes

    def show(self, stabilised: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """Normalise an image (Y, X) into a plane, mirrored to multiples of 8 px."""
        height, width = self.shape
        inner, sd = plane[:height, :width], self.manifest.sd
        scale, shift = np.float32(1.0 / sd), np.float32(self.manifest.mu / sd)
        for rows in strips(height, width):
            np.multiply(stabilised[rows], scale, out=inner[rows])
            np.subtract(inner[rows], shift, out=inner[rows])
        for row in range(height, plane.shape[0]):
            plane[row, :width] = plane[2 * (height - 1) - row, :width]
        for column in range(width, plane.shape[1]):
            plane[:, column] = plane[:, 2 * (width - 1) - column]

    def infer(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return correction and log-variance, (Y, X) each; valid until the next call."""
        height, width = (n * self.manifest.upscale for n in self.shape)
        out = self._engine.infer(self._engine.frames)
        return out[0, 0, :height, :width], out[0, 1, :height, :width]

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._engine.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._engine.close()


_EXPECTED = {"denoise": ((), 1), "superres": ((), 2), "axial": (("dz", "fraction"), 1)}
"""Constant planes and upscale of each task."""
_IMAGES = {"superres": 1, "axial": 2}


def check_package(package: Package, task: str) -> None:
    """Refuse a package that is not for this task, or whose numbers cannot be of it.

    Raises
    ------
    ModelError
        With what it is, and what to do.
    """
    m = package.manifest
    if m.task != task:
        raise ModelError(
            f"{package.model_id} is made for {m.task!r}, but {task!r} is needed: "
            "choose a package of that task"
        )
    if (m.inverse, m.target) not in _READABLE:
        known = " or ".join(f"{inverse} of a {target} target" for inverse, target in _READABLE)
        raise ModelError(
            f"{package.model_id} cannot be read out: it wants the inverse {m.inverse!r} of a "
            f"{m.target!r} target, known is {known}: get a package of this version of lightloop"
        )
    found = (m.extra_channels, m.upscale, m.outputs, m.in_frames)
    images = 3 * _IMAGES[task] if m.restored_by else _IMAGES.get(task, max(m.in_frames, 1))
    wanted = (*_EXPECTED[task], 2, images)
    if found != wanted:
        raise ModelError(
            f"{package.model_id} is no {task} network: constant planes, upscale, outputs and "
            f"images are {found}, and must be {wanted}: get the package again"
        )


def round_up(pixels: int) -> int:
    """Return the next multiple of 8."""
    return -(-pixels // STRIDE) * STRIDE
