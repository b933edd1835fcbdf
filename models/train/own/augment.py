"""The same specimen seen differently: turned, mirrored, softer, with a gain a little off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_LOWER_LIGHT, _LEAST_LIGHT = 0.5, 0.1
"""How often the light is lowered, and by how much at most."""
_BLUR, _BLUR_LIGHT = 0.15, 0.25
"""How often the specimen is blurred, and the share of light left then: the blur correlates the
noise that it leaves, and with a quarter of the light most of the noise is new and white."""
_GAIN_OFF, _GAIN_SPREAD = 0.25, 0.05


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to every image of one example alike.

    Attributes
    ----------
    turns, is_mirrored
        Quarter turns, and then left for right.
    share
        Of the light that is left.
    blur_px
        Gaussian sigma; 0 for none.
    gain
        All electrons are multiplied by it, as a wrong calibration does.
    """

    turns: int = 0
    is_mirrored: bool = False
    share: float = 1.0
    blur_px: float = 0.0
    gain: float = 1.0

    def turned(self, images: Image) -> Image:
        """Turn and mirror (..., Y, X)."""
        out = np.rot90(images, self.turns, axes=(-2, -1))
        return np.ascontiguousarray(out[..., ::-1] if self.is_mirrored else out)

    @property
    def left_over(self) -> float:
        """What the blur leaves of the variance of white noise: the kernel's sum of squares."""
        if self.blur_px == 0.0:
            return 1.0
        kernel = cv2.getGaussianKernel(_width(self.blur_px), self.blur_px)
        return float((kernel**2).sum()) ** 2

    def blurred(self, image: Image) -> Image:
        """Blur one image (Y, X)."""
        if self.blur_px == 0.0:
            return image
        width = _width(self.blur_px)
        soft = cv2.GaussianBlur(
            image, (width, width), self.blur_px, borderType=cv2.BORDER_REFLECT_101
        )
        return np.asarray(soft, np.float32)


def _width(sigma_px: float) -> int:
    return 2 * round(3 * sigma_px) + 1


def draw_augmentation(rng: np.random.Generator) -> Augmentation:
    """Draw one at random."""
    turns, is_mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    gain = float(rng.lognormal(0.0, _GAIN_SPREAD)) if rng.random() < _GAIN_OFF else 1.0
    share, blur_px = 1.0, 0.0
    if rng.random() < _BLUR:
        share, blur_px = _BLUR_LIGHT, float(rng.uniform(0.8, 1.6))
    elif rng.random() < _LOWER_LIGHT:
        share = float(np.exp(rng.uniform(np.log(_LEAST_LIGHT), 0.0)))
    # Steps of 1 %: the tables of a noisy target's bias are kept per share.
    return Augmentation(turns, is_mirrored, round(share, 2), blur_px, gain)
