"""Start from what another network has learnt: every task begins by telling light from noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.errors import ModelError
from models.package import WEIGHTS

if TYPE_CHECKING:
    from models.package import Package
    from models.unet import LiteUNet

_FIRST = "enc1.0.weight"
_SUB_PIXELS = 4
"""Channels that each plane becomes in `torch.nn.PixelUnshuffle` (2)."""


def transplant(net: LiteUNet, package: Package, images: int) -> list[str]:
    """Copy into ``net`` what fits of a package's weights; return the names of what stays new.

    Parameters
    ----------
    images
        How many of the planes are images. Each gets an equal share of the first layer of a
        network of one image, as if it looked at their mean; constant planes begin unseen.

    Raises
    ------
    ModelError
        If the package is of another width.
    """
    if package.manifest.base != net.base:
        raise ModelError(
            f"{package.model_id} has base {package.manifest.base}, the new network {net.base}: "
            "start from a package of the same base"
        )
    new = []
    known = {name: torch.from_numpy(array) for name, array in package.arrays(WEIGHTS).items()}
    state = net.state_dict()
    for name, value in state.items():
        if name in known and known[name].shape == value.shape:
            value.copy_(known[name])
        elif name == _FIRST and package.manifest.in_channels == 1:
            value.zero_()
            for plane in range(images):
                place = slice(plane * _SUB_PIXELS, (plane + 1) * _SUB_PIXELS)
                value[:, place] = known[name] / images
        else:
            new.append(name)
    return new
