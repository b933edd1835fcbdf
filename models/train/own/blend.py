"""New weights and those it began with, mixed: what is gained on own light without forgetting."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.errors import ModelError
from models.train.fit import judge
from models.train.loss import half_precision, psnr_db

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from models.train.batch import Batch
    from models.unet import LiteUNet

    Weights = dict[str, torch.Tensor]

logger = logging.getLogger(__name__)

MAX_LOSS_DB = 0.3
"""What the old data may lose at most."""
_SHARES = (1.0, 0.75, 0.5, 0.25)
"""Shares of the new weights to try; the rest are old ones (Wortsman et al., CVPR 2022)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How good a network is: on somebody's own light, and on what it knew before.

    Attributes
    ----------
    own_nll, own_db, base_db
        Held-out recordings: loss, and PSNR of the answer and of what the network corrects.
    old_db
        Simulated specimens.
    """

    own_nll: float
    own_db: float
    base_db: float
    old_db: float


def scores_of(net: LiteUNet, own: Sequence[Batch], old: Sequence[Batch]) -> Scores:
    """Judge a network by both."""
    half = half_precision()
    nll, error, base = judge(net, own, half=half)
    return Scores(nll, psnr_db(error), psnr_db(base), psnr_db(judge(net, old, half=half)[1]))


def blend(
    net: LiteUNet, first: Weights | None, before: Scores, own: Sequence[Batch],
    old: Sequence[Batch],
) -> tuple[float, Scores]:  # fmt: skip
    """Mix new weights with the first ones: the best on the recordings that forgets little enough.

    Raises
    ------
    ModelError
        If no mixture is better than what there was.
    """
    if first is None:
        return 1.0, scores_of(net, own, old)
    new = {name: value.detach().clone() for name, value in net.state_dict().items()}
    tried: list[tuple[float, Scores]] = []
    for share in _SHARES:
        net.load_state_dict({k: share * new[k] + (1.0 - share) * first[k] for k in new})
        scores = scores_of(net, own, old)
        logger.info("new weights %.2f: own %.2f dB, old %.2f dB", share, scores.own_db,
                    scores.old_db)  # fmt: skip
        if before.old_db - scores.old_db <= MAX_LOSS_DB and scores.own_nll < before.own_nll:
            tried.append((share, scores))
    if not tried:
        raise ModelError(
            f"training gained nothing on the held-out images ({before.own_db:.2f} dB before) "
            f"without losing {MAX_LOSS_DB} dB elsewhere: keep the network that there is, or record "
            "more"
        )
    share, scores = min(tried, key=lambda one: one[1].own_nll)
    net.load_state_dict({k: share * new[k] + (1.0 - share) * first[k] for k in new})
    net.eval()
    return share, scores
