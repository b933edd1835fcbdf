"""Teach LiteUNet to denoise: simulated exposures of simulated and real specimens."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.train import noisy
from models.train.scenes import make_scene
from models.unet import LiteUNet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

MU, SD = 8.0, 6.0
"""Mean and standard deviation of stabilised training images, rounded: constants for ever."""
LOG_VARIANCE_RANGE = (-7.0, 3.0)
"""The head is clamped to this: an error of 3 % of the noise is small enough, so that empty frames
do not rule the training."""
_BETA_FIRST, _BETA_LAST = 0.5, 0.25
"""Weight of the variance in the loss (Seitzer et al., ICLR 2022, arXiv 2203.09168), at first and
from a quarter of the steps on. With none the network spares itself the edges: its error is large
there, so likelihood alone counts them for little."""
_WARM_UP = 0.1
"""Share of the steps on the squared error alone."""
_CROP = 128
_SCENE = 192


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train.

    Attributes
    ----------
    steps, batch
        Optimiser steps, crops per step.
    rate
        Peak learning rate (AdamW; one warm-up, then cosine to zero).
    seed
        Of specimens, noise and first weights.
    check_every, patience
        Steps between looks at the held-out part; looks without progress before stopping.
    threads
        CPU threads; one is fastest beside other work, because two wait for each other.
    """

    steps: int = 20000
    batch: int = 4
    rate: float = 3e-3
    seed: int = 1
    check_every: int = 1000
    patience: int = 8
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the held-out part.

    Attributes
    ----------
    train_loss
        Mean loss since the last look.
    held_out_nll
        Gaussian negative log-likelihood per pixel, without its constant.
    held_out_psnr_db, noisy_psnr_db
        In the stabilised domain, range 20 (about 100 photo-electrons).
    """

    step: int
    train_loss: float
    held_out_nll: float
    held_out_psnr_db: float
    noisy_psnr_db: float
    seconds: float


@dataclass(slots=True)
class _Best:
    nll: float = float("inf")
    state: dict[str, torch.Tensor] = field(default_factory=dict)
    stale: int = 0


def simulated_specimens(seed: int, count: int) -> list[NDArray[np.float32]]:
    """Return ``count`` simulated specimens, always the same for one seed."""
    rng = np.random.default_rng(seed)
    return [make_scene(rng, _SCENE) for _ in range(count)]


def fit(
    plan: Plan,
    specimens: Sequence[NDArray[np.float32]],
    held_out: Sequence[NDArray[np.float32]],
) -> tuple[LiteUNet, list[Look]]:
    """Train a network; return the best one on the held-out specimens, and how it got there."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    rng = np.random.default_rng(plan.seed)
    check = torch.from_numpy(
        noisy.batch(np.random.default_rng(10_000 + plan.seed), held_out, 96, _CROP)
    )
    net = LiteUNet().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=1e-4)
    warm = max(plan.steps // 40, 1)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda s: min((s + 1) / warm, 0.5 * (1 + np.cos(np.pi * min(s / plan.steps, 1.0)))),
    )
    looks: list[Look] = []
    best, losses, start = _Best(), [], time.perf_counter()
    for step in range(1, plan.steps + 1):
        pair = torch.from_numpy(noisy.batch(rng, specimens, plan.batch, _CROP))
        loss = _loss(net, pair, progress=step / plan.steps)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        rate.step()
        losses.append(float(loss.detach()))
        if step % plan.check_every == 0 or step == plan.steps:
            look = _look(net, check, step, float(np.mean(losses)), start)
            looks.append(look)
            losses.clear()
            logger.info("%s", look)
            if _is_stale(best, net, look, plan):
                logger.info("stopped early: no progress in %d looks", plan.patience)
                break
    net.load_state_dict(best.state)
    return net.eval(), looks


def _answer(
    net: LiteUNet, noisy_images: torch.Tensor, smooth: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the estimated clean images and their log-variance, (N, 1, Y, X)."""
    frames = ((noisy_images - MU) / SD).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        out = net(frames)
    out = out.float()
    return smooth + out[:, :1], out[:, 1:].clamp(*LOG_VARIANCE_RANGE)


def _loss(net: LiteUNet, batch: torch.Tensor, progress: float) -> torch.Tensor:
    """Squared error first (a mean, so photometry stays right), then Gaussian likelihood.

    The likelihood counts relative errors, so a dim frame teaches as much as a bright one. Its
    variance weight fades because it is unstable while the variance is still wrong.
    """
    noisy_images, smooth, clean = batch
    mean, log_variance = _answer(net, noisy_images, smooth)
    squared = (mean - clean) ** 2
    if progress <= _WARM_UP:
        return squared.mean()
    variance = log_variance.exp()
    weight = variance.detach() ** max(_BETA_FIRST * (1.0 - 2.0 * progress), _BETA_LAST)
    return (weight * 0.5 * (squared / variance + log_variance)).mean()


@torch.no_grad()  # type: ignore[untyped-decorator]  # as above
def _look(
    net: LiteUNet,
    check: torch.Tensor,
    step: int,
    train_loss: float,
    start: float,
) -> Look:
    net.eval()
    parts = []
    for noisy_images, smooth, clean in check.split(16, dim=1):
        mean, log_variance = _answer(net, noisy_images, smooth)
        squared = (mean - clean) ** 2
        likelihood = 0.5 * (squared / log_variance.exp() + log_variance)
        parts.append((likelihood.mean(), squared.mean()))
    net.train()
    surprise, error = (float(torch.stack(p).mean()) for p in zip(*parts, strict=True))
    noise = float(((check[0] - check[2]) ** 2).mean())
    seconds = time.perf_counter() - start
    return Look(step, train_loss, surprise, _psnr(error), _psnr(noise), seconds)


def _psnr(squared_error: float) -> float:
    """Signal-to-noise in dB for a range of 20 units of the noise (about 100 photo-electrons)."""
    return float(10 * np.log10(400.0 / squared_error))


def _is_stale(best: _Best, net: LiteUNet, look: Look, plan: Plan) -> bool:
    """Keep the best network so far; say whether it is time to stop."""
    if look.held_out_nll < best.nll:
        best.nll, best.stale = look.held_out_nll, 0
        best.state = {k: v.detach().clone() for k, v in net.state_dict().items()}
    else:
        best.stale += 1
    return best.stale >= plan.patience
