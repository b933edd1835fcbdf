"""Four pixels from each: a super-resolved image of what the camera has blurred into its pixels.

For looking at, never for deciding: what it adds was learnt, and was not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.evenness import Evener
from models.network import Network
from models.read_out import Denoised, ReadOut
from models.stabiliser import PixelMaps, Stabiliser, smooth_into
from models.strips import aligned, strip_rows, strips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.engines import EngineInfo
    from models.package import Package

    Image = NDArray[np.float32]
    View = tuple[int, bool]

VIEWS: Sequence[View] = tuple((turns, flip) for turns in range(4) for flip in (False, True))
"""Quarter turns, and whether mirrored after them."""
_BACK = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


class SuperResolver:
    """Restore frames at twice the resolution along both axes.

    Four pixels of an answer share the light of one pixel of the camera, so their sum is the frame
    that a perfect camera would have seen; `rebin` is that sum. What it leaves of the measurement
    looks like the camera's noise (`models.evenness`).

    The network looks at each frame turned and mirrored in up to eight ways, and the answer is their
    mean: a small network errs a little differently in each. 0.25 to 0.4 dB better than one look
    (Timofte, Rothe & Van Gool, CVPR 2016, "enhanced prediction"); it takes as many times longer.

    Parameters
    ----------
    package
        A model package of the task "superres".
    shape
        Height and width of the frames, px, at least 16 each.
    gain_adu_per_e, offset_adu, read_noise_e, engine, precision, threads, maps
        As of `models.denoise.Denoiser`.
    views
        How many ways to look at a frame, 1 to 8.

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
        views: int = len(VIEWS),
    ) -> None:
        if not 1 <= views <= len(VIEWS):
            raise ValueError(f"views must be 1 to {len(VIEWS)}, got {views}")
        camera = (gain_adu_per_e, offset_adu, read_noise_e)
        self._stabilise = Stabiliser(shape, *camera, maps, package.model_id)
        how = (engine, precision, threads)
        self._network = Network(package, "superres", shape, *how)
        self.views = views
        """How many ways to look at the next frame; may be lowered at any time."""
        self._lying = self._network  # looks at frames after an odd number of quarter turns
        if shape[0] != shape[1] and any(turns % 2 for turns, _ in VIEWS[:views]):
            try:
                self._lying = Network(package, "superres", shape[::-1], *how)
            except BaseException:
                self._network.close()
                raise
        manifest = package.manifest
        self.model_id, self.upscale = self._network.model_id, manifest.upscale
        self._smooth_px = manifest.smooth_px
        self._bounds = (
            np.float32(manifest.log_variance_min),
            np.float32(manifest.log_variance_max),
        )
        self.shape = (shape[0] * self.upscale, shape[1] * self.upscale)
        self._stabilised, self._smooth = aligned(shape), aligned(shape)
        self._base = aligned(self.shape)
        several = self.shape if views > 1 else (0, 0)
        self._first, self._second, self._squares = (aligned(several) for _ in range(3))
        self._work = aligned(several), aligned(several)
        longest = max(several)
        self._strip = aligned((strip_rows(max(min(several), 1)), longest))
        pedestal, share = self._stabilise.pedestal, 1.0 / self.upscale**2
        self._read_out = ReadOut(manifest, pedestal, self.shape, share)
        self._even_out = Evener(shape, pedestal, self.upscale)

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
        if self.views == 1:
            network = self._network
            network.show(self._stabilised, network.planes[0])
            answer = self._read_out(self._base, *network.infer())
        else:
            answer = self._read_out.of_several(self._base, *self._means_of_views())
        self._even_out(self._stabilised, answer.photons)
        return answer

    def _means_of_views(self) -> tuple[Image, Image]:
        """Return the mean correction, and that of its squares and the variances together."""
        first, second, work = self._first, self._second, self._work
        for place, view in enumerate(VIEWS[: self.views]):
            network = self._lying if view[0] % 2 else self._network
            network.show(_turned(self._stabilised, *view), network.planes[0])
            correction, log_variance = network.infer()
            squares = self._squares_of(correction, log_variance)
            for answer, total in ((correction, first), (squares, second)):
                back = _turned_back(answer, *view, work)
                if place == 0:
                    np.copyto(total, back)
                else:
                    cv2.add(total, back, dst=total)
        share = 1.0 / self.views
        return cv2.multiply(first, share, dst=first), cv2.multiply(second, share, dst=second)

    def _squares_of(self, correction: Image, log_variance: Image) -> Image:
        """Return the variances, with the squares of the corrections."""
        squares = self._squares.reshape(correction.shape)
        for rows in strips(*correction.shape):
            variance = np.clip(log_variance[rows], *self._bounds, out=squares[rows])
            np.exp(variance, out=variance)
            square = self._strip[: rows.stop - rows.start, : correction.shape[1]]
            np.add(variance, np.square(correction[rows], out=square), out=variance)
        return squares

    def info(self) -> EngineInfo:
        """Say who computes."""
        return self._network.info()

    def close(self) -> None:
        """Free the engine; may be called twice."""
        self._network.close()
        self._lying.close()


def _turned(image: Image, turns: int, is_mirrored: bool, /) -> Image:
    """Return a view of an image after quarter turns, then mirrored."""
    turned = np.rot90(image, turns)
    return turned[:, ::-1] if is_mirrored else turned


def _turned_back(
    image: Image, turns: int, is_mirrored: bool, work: tuple[Image, Image], /
) -> Image:
    """Undo `_turned`, in memory of the same size; the answer is valid until the next call."""
    if is_mirrored:
        image = cv2.flip(image, 1, dst=work[0].reshape(image.shape))
    return image if turns == 0 else cv2.rotate(image, _BACK[turns], dst=work[1])


def rebin(photons: NDArray[np.float32], factor: int = 2) -> NDArray[np.float32]:
    """Return the photo-electrons of the camera's pixels: sums of ``factor`` x ``factor`` fine ones.

    What is left of the raw frame after it must look like camera noise (`models.residuals.judge`).
    """
    height, width = photons.shape
    blocks = photons.reshape(height // factor, factor, width // factor, factor)
    binned: NDArray[np.float32] = blocks.sum(axis=(1, 3))
    return binned
