"""Show a network for skipped planes what a denoiser makes of the measured ones.

Its base image is then what one gets without it, the blend of both restored planes: it begins as
good as that, and learns what is better. Found by measuring: a small network that has to remove the
noise and to interpolate stays up to 0.7 dB behind a denoiser and a straight line.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.axial_base import LEAST, Shown, cubic_weights, trust_raw
from models.package import WEIGHTS, Package, shipped
from models.train.batch import MU, SD, Batch, normalised
from models.train.loss import LOG_VARIANCE_RANGE
from models.train.noisy import smoothed
from models.unet import LiteUNet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Images = NDArray[np.float32]

DENOISER, BETTER = "denoise-2d", "denoise-best"
"""Who restores the planes that a network learns from, quick, and those that a user draws from: the
same network is then nearer to recorded planes by 0.03 to 0.13 dB (one stack of five: 0.1 further),
to simulated ones by up to 0.1 dB either way."""
IMAGES = 6
"""Lower and upper plane raw; these and the next below and above restored."""
RAW, PLANES = 2, 4


class RestoredPlanes:
    """Adds restored planes to batches of (lower, upper, below, above, dz, fraction).

    Parameters
    ----------
    package
        A denoiser of single frames.
    """

    def __init__(self, package: Package) -> None:
        self._net = LiteUNet.of(package.manifest).to(memory_format=torch.channels_last).eval()
        arrays = package.arrays(WEIGHTS)
        self._net.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})

    def __call__(self, batch: Batch) -> Batch:
        """Return planes (lower, upper, all four restored, dz, fraction) and the base of these.

        The blend is one of light, whose measure is the square, as a viewer would blend a stack.
        """
        raw, constant = batch.planes[:, :PLANES], batch.planes[:, PLANES:]
        restored = self.restore(raw)
        for image, clean in zip(_flat(raw), _flat(restored), strict=True):
            trust_raw(Shown(image * np.float32(SD) + np.float32(MU), clean))
        weights = np.stack([cubic_weights(float(f)) for f in batch.planes[:, -1, 0, 0]])
        light = np.einsum("nc,ncyx->nyx", weights, restored**2)[:, None]
        base = np.sqrt(np.maximum(light, LEAST**2)).astype(np.float32)
        planes = np.concatenate([raw[:, :RAW], normalised(restored), constant], axis=1)
        return replace(batch, planes=planes, base=base)

    @torch.inference_mode()  # type: ignore[untyped-decorator]  # torch is not there for the checker
    def restore(self, normalised_images: Images) -> Images:
        """Return the root of the mean square of stabilised images, (N, C, Y, X) both.

        That is ``2 sqrt(photons + 3/8 + read_noise^2)`` of the photons that a denoiser states.
        """
        flat = normalised_images.reshape(-1, 1, *normalised_images.shape[2:])
        base = np.stack([smoothed(image[0] * np.float32(SD) + np.float32(MU)) for image in flat])
        with torch.autocast("cpu", torch.bfloat16):
            out = self._net(torch.from_numpy(flat).contiguous(memory_format=torch.channels_last))
        correction, log_variance = out.float().numpy()[:, 0], out.float().numpy()[:, 1]
        squared = (base + correction) ** 2 + np.exp(np.clip(log_variance, *LOG_VARIANCE_RANGE))
        return np.asarray(np.sqrt(squared).reshape(normalised_images.shape), np.float32)


def _flat(images: Images) -> Images:
    return images.reshape(-1, *images.shape[2:])


@lru_cache(maxsize=1)
def restored_planes() -> RestoredPlanes:
    """Return what adds the planes as the shipped denoiser restores them."""
    return RestoredPlanes(Package.load(shipped(DENOISER)))
