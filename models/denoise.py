"""Restore a frame: raw counts in, photo-electrons and their uncertainty out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from models.history import History, Moment
from models.network import Network
from models.read_out import Denoised, ReadOut
from models.stabiliser import PixelMaps, Stabiliser, check_camera, check_frame, smooth_into
from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines import EngineInfo
    from models.package import Package

__all__ = ["Denoised", "Denoiser", "Passthrough", "Restorer", "smooth_into"]


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
    """Restore frames with a network, and with the frames before where the network knows them.

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
    maps
        Each pixel's own calibration, where there is one.

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
        maps: PixelMaps | None = None,
    ) -> None:
        camera = (gain_adu_per_e, offset_adu, read_noise_e)
        self._stabilise = Stabiliser(shape, *camera, maps, package.model_id)
        self._network = Network(package, "denoise", shape, engine, precision, threads)
        manifest, pedestal = package.manifest, self._stabilise.pedestal
        self.model_id = self._network.model_id
        if maps is not None:  # it makes another image, and a recording should say so
            self.model_id = self.model_id.replace(" ", "+maps ", 1)
        self._smooth_px, self._past = manifest.smooth_px, manifest.in_frames - 1
        self._stabilised, self._base = aligned(shape), aligned(shape)
        self._read_out = ReadOut(manifest, pedestal, shape)
        padded = self._network.padded
        self._blurred = aligned(padded if self._past else (0, 0))
        self._history = (
            History(self._past, padded, pedestal, manifest.mu, manifest.sd) if self._past else None
        )
        self._next: Moment | None = None
        self._count = 0
        self.frames_seen = 1
        """Frames, the present one included, that the last answer was made of."""

    @property
    def in_frames(self) -> int:
        """Frames that the network can see, the present one included."""
        return self._past + 1

    def expect(self, moment: Moment) -> None:
        """Say what the next frame is of; otherwise it follows the one before."""
        self._next = moment

    def forget(self) -> None:
        """Forget all frames seen so far."""
        if self._history is not None:
            self._history.forget()

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Restore one frame, (Y, X) ADU; the answer is valid until the next call.

        Raises
        ------
        FrameRefused
            If the frame is of another size, or holds no real numbers.
        """
        moment, self._next = self._next, None
        self._stabilise(adu, out=self._stabilised)
        smooth_into(self._stabilised, self._smooth_px, out=self._base)
        planes = self._network.planes
        self._network.show(self._stabilised, planes[-1])
        if self._history is not None:
            self._network.show(self._base, self._blurred)
            past = self._history.fill(moment or self._following(), self._blurred, planes)
            self.frames_seen = 1 + past
        return self._read_out(self._base, *self._network.infer())

    def _following(self) -> Moment:
        self._count += 1
        return Moment("", self._count, self._count, 1.0)

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._network.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._network.close()


class Passthrough:
    """No network: raw counts as photo-electrons, ``(adu - offset) / gain``, negatives and all."""

    def __init__(
        self,
        shape: tuple[int, int],
        gain_adu_per_e: float,
        offset_adu: float,
        read_noise_e: float = 0.0,
    ) -> None:
        check_camera(gain_adu_per_e, offset_adu, read_noise_e)
        self._shape = shape
        self._scale = np.float32(1.0 / gain_adu_per_e)
        self._shift = np.float32(offset_adu / gain_adu_per_e)
        self._answer = Denoised(np.empty(shape, np.float32), None)
        self.model_id = "none"

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Convert one frame, (Y, X) ADU; the answer is valid until the next call."""
        check_frame(adu, self._shape)
        photons = self._answer.photons
        np.multiply(adu, self._scale, out=photons, dtype=np.float32)
        np.subtract(photons, self._shift, out=photons)
        return self._answer

    def close(self) -> None:
        """Nothing to free."""
