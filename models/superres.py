"""Four pixels from each: a super-resolved image of what the camera has blurred into its pixels.

For looking at, never for deciding: what it adds was learnt, and was not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.network import Network
from models.read_out import Denoised, ReadOut
from models.stabiliser import PixelMaps, Stabiliser, smooth_into

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.engines import EngineInfo
    from models.package import Package


class SuperResolver:
    """Restore frames at twice the resolution along both axes.

    Four pixels of an answer share the light of one pixel of the camera, so their sum is the frame
    that a perfect camera would have seen; `rebin` is that sum.

    Parameters
    ----------
    package
        A model package of the task "superres".
    shape
        Height and width of the frames, px, at least 16 each.
    gain_adu_per_e, offset_adu, read_noise_e, engine, precision, threads, maps
        As of `models.denoise.Denoiser`.

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
        self._stabilise = Stabiliser(shape, gain_adu_per_e, offset_adu, read_noise_e, maps)
        self._network = Network(package, "superres", shape, engine, precision, threads)
        self.model_id, self.upscale = self._network.model_id, package.manifest.upscale
        self._smooth_px = package.manifest.smooth_px
        self.shape = (shape[0] * self.upscale, shape[1] * self.upscale)
        self._stabilised, self._smooth = (np.empty(shape, np.float32) for _ in range(2))
        self._base = np.empty(self.shape, np.float32)
        pedestal, share = self._stabilise.pedestal, 1.0 / self.upscale**2
        self._read_out = ReadOut(package.manifest, pedestal, self.shape, share)

    def __call__(self, adu: NDArray[Any]) -> Denoised:
        """Restore one frame, (Y, X) ADU, as (2 Y, 2 X); the answer is valid until the next call.

        Raises
        ------
        FrameRefused
            If the frame is of another size, or holds no real numbers.
        """
        self._stabilise(adu, out=self._stabilised)
        smooth_into(self._stabilised, self._smooth_px, out=self._smooth)
        size = self.shape[::-1]
        cv2.resize(self._smooth, size, dst=self._base, interpolation=cv2.INTER_LINEAR)
        self._network.show(self._stabilised, self._network.planes[0])
        return self._read_out(self._base, *self._network.infer())

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._network.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._network.close()


def rebin(photons: NDArray[np.float32], factor: int = 2) -> NDArray[np.float32]:
    """Return the photo-electrons of the camera's pixels: sums of ``factor`` x ``factor`` fine ones.

    What is left of the raw frame after it must look like camera noise (`models.residuals.judge`).
    """
    height, width = photons.shape
    blocks = photons.reshape(height // factor, factor, width // factor, factor)
    binned: NDArray[np.float32] = blocks.sum(axis=(1, 3))
    return binned
