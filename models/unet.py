"""The one family of networks: LiteUNet-R2, a small U-Net that works at half resolution.

Needs torch, so nothing imports this file but training, the reference engine and their tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from models.onnx_traces import remove_traces

if TYPE_CHECKING:
    from pathlib import Path

    from models.manifest import Manifest


def _one_conv(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU())


def _two_convs(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(*_one_conv(n_in, n_out), *_one_conv(n_out, n_out))


class LiteUNet(nn.Module):  # type: ignore[misc]  # torch is not there for the checker
    """PixelUnshuffle(2), a 3-level U-Net, PixelShuffle: plain operations only.

    Where it restores images, the answer is a *correction* of a base image, such as the smoothed
    last frame: whoever reads it out adds it in full precision (`models.denoise`). A correction of
    the noisy frame itself would have to copy its noise to cancel it, and every error in the copy
    would stay in the image: 3 to 5 dB worse in dim light. 117 304 parameters with the defaults.

    Parameters
    ----------
    in_channels
        Planes that the network sees: frames, oldest first, then constant planes.
    base
        Channels of the finest level; each coarser level has twice as many.
    upscale
        Output pixels per input pixel along each axis, 1 or 2.
    outputs
        Channels that come out: 2 are correction and log-variance, 3 are the maps of "segment".

    References
    ----------
    Ronneberger et al., MICCAI 2015 (U-Net); Shi et al., CVPR 2016 (pixel shuffle).
    """

    stride = 8
    """Height and width must be multiples of this: 2 (unshuffle) x 2 x 2 (two poolings)."""
    reach_px = 48
    """An output pixel depends on no input pixel further away along either axis."""

    def __init__(
        self, in_channels: int = 1, base: int = 16, upscale: int = 1, outputs: int = 2
    ) -> None:
        super().__init__()
        if upscale not in (1, 2):
            raise ValueError(f"upscale must be 1 or 2, got {upscale}")
        self.in_channels, self.base = in_channels, base
        self.upscale, self.outputs = upscale, outputs
        self.unshuffle = nn.PixelUnshuffle(2)
        self.enc1 = _two_convs(4 * in_channels, base)
        self.enc2 = _two_convs(base, 2 * base)
        self.deep = _two_convs(2 * base, 4 * base)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(4 * base, 2 * base, 2, stride=2)
        self.dec2 = _two_convs(4 * base, 2 * base)
        self.up1 = nn.ConvTranspose2d(2 * base, base, 2, stride=2)
        self.dec1 = _two_convs(2 * base, base)
        # A coarse pixel becomes 16 fine ones per output: `base` channels would be a bottleneck.
        self.widen = _one_conv(base, 3 * base) if upscale > 1 else nn.Identity()
        wide = 3 * base if upscale > 1 else base
        self.head = nn.Conv2d(wide, outputs * (2 * upscale) ** 2, 1)
        self.shuffle = nn.PixelShuffle(2 * upscale)
        self.apply(_start)
        nn.init.normal_(self.head.weight, 0.0, 0.01)  # starts as "change next to nothing"

    @classmethod
    def of(cls, manifest: Manifest) -> LiteUNet:
        """Return the network that a package describes, not yet with its weights."""
        return cls(manifest.in_channels, manifest.base, manifest.upscale, manifest.outputs)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Map normalised planes (N, in_channels, Y, X) to (N, outputs, upscale Y, upscale X).

        With two outputs, channel 0 is the correction and channel 1 the log-variance, both in units
        of the noise: ``clean = base_image(stabilised) + out[:, 0]``.
        """
        fine = self.enc1(self.unshuffle(frames))  # (N, base, Y/2, X/2)
        middle = self.enc2(self.pool(fine))  # (N, 2 base, Y/4, X/4)
        deep = self.deep(self.pool(middle))  # (N, 4 base, Y/8, X/8)
        middle = self.dec2(torch.cat([self.up2(deep), middle], 1))
        fine = self.dec1(torch.cat([self.up1(middle), fine], 1))
        return cast("torch.Tensor", self.shuffle(self.head(self.widen(fine))))


def _start(layer: nn.Module) -> None:
    """First weights that keep the signal's size from layer to layer (He et al., ICCV 2015)."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    elif isinstance(layer, nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, layer.in_channels**-0.5)
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


def count_parameters(net: nn.Module) -> int:
    """Return how many numbers the network has learnt."""
    return sum(p.numel() for p in net.parameters())


def export_onnx(net: LiteUNet, path: Path) -> None:
    """Write ``net`` as one ONNX file, opset 18, for any size that is a multiple of 8 px."""
    height = 8 * torch.export.Dim("h8", min=2, max=1024)
    width = 8 * torch.export.Dim("w8", min=2, max=1024)
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, net.in_channels, 64, 128),),
        path,
        dynamo=True,
        opset_version=18,
        input_names=["frames"],
        output_names=["out"],
        dynamic_shapes={"frames": {2: height, 3: width}},
        external_data=False,
        verbose=False,
    )
    remove_traces(path)
