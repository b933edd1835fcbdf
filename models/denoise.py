"""Restore a frame: raw counts in, photo-electrons and their uncertainty out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from models import noise
from models.engines import open_engine
from models.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines import EngineInfo
    from models.package import Package

_STRIDE = 8
_MIN_PX = 16


@dataclass(frozen=True, slots=True)
class Denoised:
    """A restored frame; both arrays belong to the denoiser and are written over by its next call.

    Attributes
    ----------
    photons
        Photo-electrons, (Y, X) float32, never below 0.
    sd_e
        Their standard error as the network sees it, (Y, X) float32; None without a network.
    """

    photons: NDArray[np.float32]
    sd_e: NDArray[np.float32] | None


class Restorer(Protocol):
    """Anything that turns raw counts into photo-electrons."""

    model_id: str
    """What computes, as recordings state it."""

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Restore one frame, (Y, X) ADU; the answer is valid until the next call."""
        ...

    def close(self) -> None:
        """Free the machine; may be called twice."""
        ...


class Denoiser:
    """Restore frames with a network.

    Parameters
    ----------
    package
        A model package of the task "denoise".
    shape
        Height and width of the frames, px, at least 16 each.
    gain_adu_per_e, offset_adu, read_noise_e
        The camera's calibration: ADU per photo-electron, ADU, rms photo-electrons.
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
        shape: tuple[int, int],
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float,
        engine: str = "auto",
        precision: str = "auto",
        threads: int = 1,
    ) -> None:
        manifest = package.manifest
        if (manifest.task, manifest.inverse, manifest.in_frames) != (
            "denoise", "posterior-mean", 1,
        ):  # fmt: skip
            raise ModelError(
                f"{package.model_id} is no single-frame denoiser (task {manifest.task!r}, inverse "
                f"{manifest.inverse!r}, {manifest.in_frames} frames): choose another package"
            )
        if min(shape) < _MIN_PX:
            raise ValueError(f"frames must be at least {_MIN_PX} px high and wide, got {shape}")
        _check_camera(gain_adu_per_e, offset_adu, read_noise_e)
        self._shape, self._manifest = shape, manifest
        self._camera = (gain_adu_per_e, offset_adu, read_noise_e)
        padded = (_round_up(shape[0]), _round_up(shape[1]))
        self._engine = open_engine(package, padded, engine, precision, threads)
        self.model_id = f"{package.model_id} {self._engine.name}-{self._engine.precision}"
        buffers = [np.empty(shape, np.float32) for _ in range(4)]
        self._stabilised, self._mean, self._photons, self._sd_e = buffers
        self._answer = Denoised(self._photons, self._sd_e)

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Restore one frame, (Y, X) ADU; the answer is valid until the next call."""
        _check_frame(adu, self._shape)
        noise.forward_into(adu, *self._camera, out=self._stabilised)
        smooth_into(self._stabilised, self._manifest.smooth_px, out=self._mean)
        out = self._engine.infer(self._network_input())
        self._read_out(out)
        return self._answer

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._engine.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._engine.close()

    def _network_input(self) -> NDArray[np.float32]:
        """Normalise into the engine's own input, mirrored to multiples of 8 px."""
        height, width = self._shape
        frames = self._engine.frames
        image, sd = frames[0, 0], self._manifest.sd
        inner = image[:height, :width]
        np.multiply(self._stabilised, np.float32(1.0 / sd), out=inner)
        np.subtract(inner, np.float32(self._manifest.mu / sd), out=inner)
        for row in range(height, image.shape[0]):
            image[row, :width] = image[2 * (height - 1) - row, :width]
        for column in range(width, image.shape[1]):
            image[:, column] = image[:, 2 * (width - 1) - column]
        return frames

    def _read_out(self, out: NDArray[np.float32]) -> None:
        """Leave the stabilised domain: E[d^2] = m^2 + v, so ``photons = (m^2 + v)/4 - 3/8 - r^2``.

        The variance of ``d^2 / 4`` for a normal d is ``m^2 v / 4 + v^2 / 8``.
        """
        height, width = self._shape
        mean, variance = self._mean, self._stabilised  # the latter is used up
        photons, sd_e = self._photons, self._sd_e
        correction, log_variance = out[0, 0, :height, :width], out[0, 1, :height, :width]
        np.add(mean, correction, out=mean)
        np.multiply(mean, mean, out=mean)
        low, high = self._manifest.log_variance_min, self._manifest.log_variance_max
        np.clip(log_variance, np.float32(low), np.float32(high), out=variance)
        np.exp(variance, out=variance)
        np.add(mean, variance, out=photons)
        np.multiply(photons, np.float32(0.25), out=photons)
        np.subtract(photons, np.float32(0.375 + self._camera[2] ** 2), out=photons)
        np.maximum(photons, np.float32(0.0), out=photons)
        np.multiply(mean, np.float32(2.0), out=sd_e)  # v (2 m^2 + v) / 8
        np.add(sd_e, variance, out=sd_e)
        np.multiply(sd_e, variance, out=sd_e)
        np.multiply(sd_e, np.float32(0.125), out=sd_e)
        np.sqrt(sd_e, out=sd_e)


def smooth_into(
    image: NDArray[np.float32], sigma_px: float, out: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Write ``image`` (Y, X) after a Gaussian blur into ``out``; edges are mirrored."""
    width = 2 * round(3 * sigma_px) + 1
    cv2.GaussianBlur(image, (width, width), sigma_px, dst=out, borderType=cv2.BORDER_REFLECT_101)
    return out


class Passthrough:
    """No network: raw counts as photo-electrons, ``(adu - offset) / gain``, negatives and all."""

    def __init__(
        self,
        shape: tuple[int, int],
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float = 0.0,
    ) -> None:
        _check_camera(gain_adu_per_e, offset_adu, read_noise_e)
        self._shape = shape
        self._scale = np.float32(1.0 / gain_adu_per_e)
        self._shift = np.float32(offset_adu / gain_adu_per_e)
        self._answer = Denoised(np.empty(shape, np.float32), None)
        self.model_id = "none"

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Convert one frame, (Y, X) ADU; the answer is valid until the next call."""
        _check_frame(adu, self._shape)
        photons = self._answer.photons
        np.multiply(adu, self._scale, out=photons, dtype=np.float32)
        np.subtract(photons, self._shift, out=photons)
        return self._answer

    def close(self) -> None:
        """Nothing to free."""


def _round_up(pixels: int) -> int:
    return -(-pixels // _STRIDE) * _STRIDE


def _check_frame(adu: NDArray[Any], shape: tuple[int, int]) -> None:
    if adu.shape != shape:
        raise ValueError(f"this denoiser was opened for frames of {shape} px, got {adu.shape}")


def _check_camera(gain_adu_per_e: float, offset_adu: float, read_noise_e: float) -> None:
    if not 0 < gain_adu_per_e < np.inf:
        raise ValueError(f"gain must be > 0 ADU per photo-electron, got {gain_adu_per_e}")
    if not -np.inf < offset_adu < np.inf:
        raise ValueError(f"offset must be a number of ADU, got {offset_adu}")
    if not 0 <= read_noise_e < np.inf:
        raise ValueError(f"read noise must be >= 0 photo-electrons, got {read_noise_e}")
