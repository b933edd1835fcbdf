"""Start from what another network has learnt: every task begins by telling light from noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from models.errors import ModelError
from models.package import WEIGHTS
from models.train.restored import IMAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package
    from models.unet import LiteUNet

    Array = NDArray[np.float32]
    Shares = tuple[tuple[float, ...], ...]

_FIRST = "enc1.0.weight"
_JOINED = ("dec1.0.weight", "dec2.0.weight")
"""Layers that eat two images side by side: from below and from the same level."""
_UPWARD = ("up1.weight", "up2.weight")
"""Transposed convolutions: what goes in is their first axis."""
_SUB_PIXELS = 4
"""Channels that each plane becomes in `torch.nn.PixelUnshuffle` (2)."""


def transplant(net: LiteUNet, package: Package, plan: Shares, seed: int) -> list[str]:
    """Copy into ``net`` what fits of a package's weights; return the names of what stays new.

    Into a wider network, up to twice as wide, channels go twice, and what is made of them is split
    unevenly between both, so that they can part (Chen, Goodfellow & Shlens, "Net2Net", ICLR 2016).

    Parameters
    ----------
    plan
        What the planes see at first: see `shares_of`.
    seed
        Of the uneven splitting.

    Raises
    ------
    ModelError
        If ``net`` is narrower than the package, more than twice as wide, or its planes do not fit.
    """
    manifest = package.manifest
    fits = manifest.base <= net.base <= 2 * manifest.base
    if not fits or any(len(row) != manifest.in_channels for row in plan):
        raise ModelError(
            f"{package.model_id} has base {manifest.base} and {manifest.in_channels} planes, the "
            f"new network base {net.base}: start from one image and at least half of that base"
        )
    known = {name: np.asarray(array) for name, array in package.arrays(WEIGHTS).items()}
    known[_FIRST] = _mixed(known[_FIRST], plan)
    if net.base > manifest.base:
        rng, ratio = np.random.default_rng(seed), net.base / manifest.base
        known = {name: _widened(name, array, ratio, rng) for name, array in known.items()}
    if bool(manifest.restored_by) != _corrects(net):  # what is to be added to another base is new
        known = {name: array for name, array in known.items() if not name.startswith("head")}
    new = []
    for name, value in net.state_dict().items():
        if name in known and known[name].shape == tuple(value.shape):
            value.copy_(torch.from_numpy(np.ascontiguousarray(known[name])))
        else:
            new.append(name)
    return new


def _corrects(net: LiteUNet) -> bool:
    """Say whether a network corrects what a denoiser made."""
    return bool(net.in_channels > IMAGES + 1)


def shares_of(task: str, planes: int, known: int = 1) -> Shares:
    """Return how each plane of a new network begins to see: a row of shares of known planes.

    A network of one image gives what it knows to the present frame, or to the mean of two planes;
    one of two raw planes gives it to the same planes of a network that sees restored ones, too.
    """
    if task == "axial" and known > 1:
        places = [*range(known - 2), *range(planes - 2, planes)]  # images first, constants last
        return tuple(tuple(float(places[k] == row) for k in range(known)) for row in range(planes))
    if task == "axial":
        return ((0.5,), (0.5,), *(planes - 2) * ((0.0,),))
    return (*(planes - 1) * ((0.0,),), (1.0,))  # the past is still to be learnt


def _mixed(first: Array, plan: Shares) -> Array:
    """Return the first layer's weights for other planes."""
    groups = np.split(first, first.shape[1] // _SUB_PIXELS, axis=1)
    rows = [sum(g * np.float32(s) for g, s in zip(groups, row, strict=True)) for row in plan]
    return np.concatenate(rows, axis=1)


def _widened(name: str, array: Array, ratio: float, rng: np.random.Generator) -> Array:
    """Return weights or biases of a layer ``ratio`` times as wide that gives the same answer."""
    if name.startswith("head") and name.endswith("bias"):
        return array
    if name.endswith("bias"):
        return _repeated(array, 0, ratio)
    eats, makes = (0, 1) if name in _UPWARD else (1, 0)
    if name != _FIRST:
        array = _split(array, eats, 2 if name in _JOINED else 1, ratio, rng)
    return array if name.startswith("head") else _repeated(array, makes, ratio)


def _again(channels: int, ratio: float) -> int:
    """Return how many of so many channels go twice: the first ones."""
    return round((ratio - 1.0) * channels)


def _repeated(array: Array, axis: int, ratio: float) -> Array:
    """Make the first channels once more, after all others."""
    twice, _ = np.split(array, [_again(array.shape[axis], ratio)], axis=axis)
    return np.concatenate([array, twice], axis=axis)


def _split(array: Array, axis: int, blocks: int, ratio: float, rng: np.random.Generator) -> Array:
    """Eat more channels, block by block; both halves of one that goes twice sum to what was."""
    parts = []
    for block in np.split(array, blocks, axis=axis):
        twice, once = np.split(block, [_again(block.shape[axis], ratio)], axis=axis)
        share = rng.uniform(0.2, 0.8, twice.shape).astype(np.float32)
        parts += [twice * share, once, twice * (1.0 - share)]
    return np.concatenate(parts, axis=axis)
