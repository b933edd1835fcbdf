"""How wrong a network is: Gaussian likelihood of the truth under its mean and variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from models.train.batch import Batch

LOG_VARIANCE_RANGE = (-7.0, 3.0)
"""The head is clamped to this: an error of 3 % of the noise is small enough, so that empty frames
do not rule the training."""
_BETA_FIRST, _BETA_LAST = 0.5, 0.25
"""Weight of the variance in the loss (Seitzer et al., ICLR 2022, arXiv 2203.09168), at first and
from a quarter of the training on. With none the network spares itself the edges: its error is large
there, so likelihood alone counts them for little."""
_WARM_UP = 0.1
"""Share of the training on the squared error alone."""

_LEAST, _OF_TARGET = 0.01, 0.05
"""Squared error, units of the noise, below which an image is good enough; and what share of a noisy
target's variance counts as such an error, so that noise does not teach too much (proposed)."""


def half_precision() -> bool:
    """Say whether this processor multiplies bfloat16 itself; where it does not, it only costs."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def answer(net: torch.nn.Module, batch: Batch, *, half: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the estimated images and their log-variance, (N, 1, Y', X') float32."""
    planes = torch.from_numpy(batch.planes).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        out = net(planes)
    out = out.float()
    return torch.from_numpy(batch.base) + out[:, :1], out[:, 1:2].clamp(*LOG_VARIANCE_RANGE)


def likelihood_parts(
    mean: torch.Tensor, log_variance: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return squared error, variance and negative log-likelihood (no constant) of each pixel.

    A noisy target is further off than a clean one, by its own noise: that is added to the variance,
    so that the head learns the error of the restored image alone.
    """
    squared = (mean - torch.from_numpy(batch.target)) ** 2
    variance = log_variance.exp() + torch.as_tensor(batch.target_variance)
    return squared, variance, 0.5 * (squared / variance + variance.log())


def weighted_mean(values: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return the mean over the pixels that count."""
    if batch.weight is None:
        return values.mean()
    weight = torch.from_numpy(batch.weight)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)


def training_loss(
    net: torch.nn.Module, batch: Batch, progress: float, *, half: bool
) -> tuple[torch.Tensor, float]:
    """Squared error first (a mean, so photometry stays right), then Gaussian likelihood.

    The likelihood counts relative errors, so a dim frame teaches as much as a bright one. Its
    variance weight fades because it is unstable while the variance is still wrong.

    Parameters
    ----------
    progress
        Share of the training that is done, 0 to 1; beyond ``1`` or from a trained network, 1.

    Returns
    -------
    tuple
        The loss, and the plain negative log-likelihood for the curve.
    """
    mean, log_variance = answer(net, batch, half=half)
    squared, variance, surprise = likelihood_parts(mean, log_variance, batch)
    nll = float(weighted_mean(surprise.detach(), batch))
    if progress <= _WARM_UP:
        return weighted_mean(squared, batch), nll
    weight = variance.detach() ** max(_BETA_FIRST * (1.0 - 2.0 * progress), _BETA_LAST)
    return weighted_mean(weight * surprise, batch), nll


def decibel_loss(net: torch.nn.Module, batch: Batch, *, half: bool) -> tuple[torch.Tensor, float]:
    """Squared error in photo-electrons, of each image over what it is expected to be.

    Its gradient is that of the logarithm of each image's squared error, so that every image counts
    the same in decibels, however bright it is and however hard. An error of d is one of d times
    ``stabilised / 2`` photo-electrons. For networks that have learnt their variance already.
    """
    mean, log_variance = answer(net, batch, half=half)
    _, variance, surprise = likelihood_parts(mean, log_variance, batch)
    own = log_variance.detach().exp() + _LEAST + _OF_TARGET * torch.as_tensor(batch.target_variance)
    light = mean.detach() ** 2
    expected = (own * light).mean(dim=(1, 2, 3), keepdim=True)
    weight = variance.detach() * light / expected
    return (weight * surprise).mean(), float(surprise.detach().mean())


def decibels(error: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of each image in photo-electrons, dB, up to a constant."""
    each = (error * mean**2).mean(dim=(1, 2, 3)) / (mean**2).mean(dim=(1, 2, 3))
    return 10.0 * torch.log10(each.clamp(min=_LEAST))


def psnr_db(squared_error: float) -> float:
    """Signal-to-noise in dB for a range of 20 units of the noise (about 100 photo-electrons)."""
    return float(10 * np.log10(400.0 / max(squared_error, 1e-9)))
