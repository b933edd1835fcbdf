"""The one trainer, for every task: batches in, the best network on held-out data out."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.errors import ModelError
from models.train import checkpoint as checkpoints
from models.train.loss import (
    answer,
    decibel_loss,
    decibels,
    half_precision,
    likelihood_parts,
    psnr_db,
    training_loss,
    weighted_mean,
)
from models.train.plan import Look, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.train.batch import Batch
    from models.unet import LiteUNet

__all__ = ["Look", "Plan", "fit", "judge"]

logger = logging.getLogger(__name__)

_SAVE_EVERY_S = 60.0
_WARM_UP_RATE = 0.025
"""Share of the training in which the learning rate rises (proposed)."""


@dataclass(slots=True)
class _Progress:
    """Where a training is; all of it survives a kill."""

    step: int = 0
    seconds: float = 0.0
    stale: int = 0
    best_nll: float = float("inf")
    looks: list[dict[str, Any]] = field(default_factory=list)
    is_done: bool = False


def fit(
    net: LiteUNet,
    batch_at: Callable[[int], Batch],
    held_out: Sequence[Batch],
    plan: Plan,
    *,
    on_look: Callable[[Look], None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    checkpoint: Path | None = None,
    save_every_s: float | None = None,
    spent_s: float = 0.0,
) -> list[Look]:
    """Train ``net`` in place; it ends as the best network on ``held_out``.

    Parameters
    ----------
    batch_at
        Makes the batch of a step (1, 2, ...). The same step must give the same batch: draw from
        ``np.random.default_rng((seed, step))``. So a resumed training is the same training.
    held_out
        Batches that never train.
    on_look, on_step
        Told after each look; after each step its number and the share that is done, 0 to 1.
    checkpoint
        File to go on from after a kill. Delete it when all is well.
    save_every_s
        How often it is written, s; every minute if nobody says otherwise.
    spent_s
        Seconds of the plan's minutes that are gone before the first step. One that goes on from a
        checkpoint has counted them already.

    Returns
    -------
    list of Look
        The curve.

    Raises
    ------
    ModelError
        If the checkpoint is damaged or another training's, or if the training diverges.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    training = _Training(net, plan, checkpoint, save_every_s)
    if training.progress.step == 0:
        training.progress.seconds = spent_s
    training.run(batch_at, held_out, on_look, on_step)
    return [Look(**values) for values in training.progress.looks]


class _Training:
    """Net, optimiser and progress of one `fit`."""

    def __init__(
        self, net: LiteUNet, plan: Plan, path: Path | None, save_every_s: float | None
    ) -> None:
        self.plan, self.path, self.progress = plan, path, _Progress()
        self.save_every_s = _SAVE_EVERY_S if save_every_s is None else save_every_s
        self.net = net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=1e-4)
        self.best: dict[str, torch.Tensor] = {}
        self.half = half_precision()
        self.identity = (
            f"{net.in_channels} planes, base {net.base}, upscale {net.upscale}, {net.outputs} "
            f"outputs, {plan}"
        )
        if path is not None and path.exists():
            self.best, values = checkpoints.load(path, self.identity, net, self.optimiser)
            self.progress = _Progress(**values)
            logger.info("going on from step %d of %s", self.progress.step, path)

    def run(
        self,
        batch_at: Callable[[int], Batch],
        held_out: Sequence[Batch],
        on_look: Callable[[Look], None] | None,
        on_step: Callable[[int, float], None] | None,
    ) -> None:
        """Step until the end of the plan or until nothing gets better."""
        progress, plan = self.progress, self.plan
        start = saved = time.monotonic()
        before, surprises = progress.seconds, list[float]()
        self.net.train()
        while not progress.is_done:
            progress.step += 1
            surprises.append(self._step(batch_at(progress.step)))
            progress.seconds = before + time.monotonic() - start
            at_end = self._share() >= 1.0
            if progress.step % plan.check_every == 0 or at_end:
                look = self._look(held_out, float(np.mean(surprises)))
                surprises.clear()
                progress.is_done = at_end or progress.stale >= plan.patience
                logger.info("%s", look)
                if on_look is not None:
                    on_look(look)
            if on_step is not None:
                on_step(progress.step, self._share())
            if progress.is_done or time.monotonic() - saved > self.save_every_s:
                saved = time.monotonic()
                self._save()
        self.net.load_state_dict(self.best)
        self.net.eval()

    def _share(self) -> float:
        """Return the share of the plan that is done, 0 to 1."""
        by_step = self.progress.step / self.plan.steps
        return min(max(by_step, self.progress.seconds / (60.0 * self.plan.minutes)), 1.0)

    def _step(self, batch: Batch) -> float:
        share = self._share()
        rise = min((share + 1.0 / self.plan.steps) / _WARM_UP_RATE, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * min(rise, 0.5 * (1.0 + np.cos(np.pi * share)))
        of_loss = 1.0 if self.plan.is_fine_tuning else share
        if self.plan.in_decibels:
            loss, surprise = decibel_loss(self.net, batch, half=self.half)
        else:
            loss, surprise = training_loss(self.net, batch, of_loss, half=self.half)
        if not np.isfinite(surprise):
            raise ModelError(
                f"the training diverged at step {self.progress.step} (rate {self.plan.rate:g}): "
                "train again with a lower rate"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        return surprise

    def _look(self, held_out: Sequence[Batch], train_nll: float) -> Look:
        """Judge the network as it is, and keep it if it is the best so far."""
        nll, error, base_error = judge(self.net, held_out, half=self.half)
        progress = self.progress
        look = Look(
            progress.step, train_nll, nll, psnr_db(error), psnr_db(base_error), progress.seconds
        )
        progress.looks.append({name: getattr(look, name) for name in Look.__slots__})
        progress.stale += 1
        worth = self._gain_db(held_out) if self.plan.in_decibels else nll
        if worth < progress.best_nll:
            progress.best_nll, progress.stale = worth, 0
            self.best = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        return look

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is not there for the checker
    def _gain_db(self, batches: Sequence[Batch]) -> float:
        """Return the mean squared error over that of the base image, dB: the less the better."""
        self.net.eval()
        found = []
        for batch in batches:
            mean, _ = answer(self.net, batch, half=self.half)
            base, target = torch.from_numpy(batch.base), torch.from_numpy(batch.target)
            known = torch.as_tensor(batch.target_variance)
            ours, theirs = ((image - target) ** 2 - known for image in (mean, base))
            found.append(decibels(ours, target) - decibels(theirs, target))
        self.net.train()
        gain = float(torch.cat(found).mean())
        logger.info("%.3f dB over the base image", -gain)
        return gain

    def _save(self) -> None:
        if self.path is not None:
            checkpoints.save(
                self.path, self.identity, self.net, self.optimiser, self.best, self.progress
            )


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is not there for the checker
def judge(
    net: torch.nn.Module, batches: Sequence[Batch], *, half: bool
) -> tuple[float, float, float]:
    """Return negative log-likelihood, squared error and squared error of the base image.

    All are means per pixel in units of the noise; a noisy target's own noise is taken off the
    squared errors.
    """
    net.eval()
    parts = []
    for batch in batches:
        mean, log_variance = answer(net, batch, half=half)
        squared, _, surprise = likelihood_parts(mean, log_variance, batch)
        of_base = (torch.from_numpy(batch.base) - torch.from_numpy(batch.target)) ** 2
        known = torch.as_tensor(batch.target_variance)
        parts.append(
            [float(weighted_mean(surprise, batch))]
            + [float(weighted_mean(s - known, batch)) for s in (squared, of_base)]
        )
    net.train()
    nll, error, base_error = (float(v) for v in np.mean(parts, axis=0))
    return nll, error, base_error
