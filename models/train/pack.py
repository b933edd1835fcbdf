"""Pack a trained network: ONNX, weights, test vector, curve, and the manifest over them."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.manifest import Manifest
from models.package import ONNX, VECTOR, WEIGHTS
from models.residuals import Limits
from models.train.batch import MU, SD, Sample, collate
from models.train.fit import Look
from models.train.loss import LOG_VARIANCE_RANGE
from models.train.noisy import SMOOTH_PX, expose, stabilised
from models.train.restored import BETTER, IMAGES
from models.train.scenes import make_scene
from models.train.seal import seal
from models.unet import LiteUNet, export_onnx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "TOLERANCE_RMS",
    "pack",
    "restoring_manifest",
    "seal",
    "test_planes",
    "write_curve",
]

TOLERANCE_RMS = {"f32": 1e-4, "bf16": 3e-2}
"""Units of the noise. Seen: f32 1e-6, bf16 about 1e-2; three times that, three orders for f32."""
_VECTOR_PX = (96, 128)
_VECTOR_EXTRA = {"dz": 1.0, "fraction": 0.5}


def restoring_manifest(
    name: str,
    task: str,
    version: str,
    net: LiteUNet,
    extra_channels: tuple[str, ...],
    command: str,
    sources: Sequence[str],
) -> Manifest:
    """Return the manifest of a network that learnt to correct a smoothed image from clean ones."""
    return Manifest(
        name=name, task=task, version=version,
        in_frames=net.in_channels - len(extra_channels), base=net.base,
        mu=MU, sd=SD, smooth_px=SMOOTH_PX, inverse="posterior-mean",
        log_variance_min=LOG_VARIANCE_RANGE[0], log_variance_max=LOG_VARIANCE_RANGE[1],
        photons_min_e=0.0, photons_max_e=600.0, command=command, sources=tuple(sources),
        limits=Limits(), tolerance_rms=dict(TOLERANCE_RMS), sha256={},
        upscale=net.upscale, outputs=net.outputs, extra_channels=extra_channels,
        restored_by=BETTER if task == "axial" and net.in_channels > IMAGES else "",
    )  # fmt: skip


def pack(folder: Path, net: LiteUNet, looks: Sequence[Look], manifest: Manifest) -> None:
    """Write the package of a trained network; scores and card come after (see `seal`).

    Parameters
    ----------
    manifest
        What ``package.toml`` shall say; its sums are filled in here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    net = net.float().to(memory_format=torch.contiguous_format).eval()
    export_onnx(net, folder / ONNX)
    np.savez(folder / WEIGHTS, **{k: v.numpy() for k, v in net.state_dict().items()})
    planes = test_planes(manifest)
    with torch.inference_mode():
        out = net(torch.from_numpy(planes)).numpy()
    np.savez_compressed(folder / VECTOR, frames=planes, out=out)
    write_curve(folder / "curve.csv", looks)
    seal(folder, manifest)


def test_planes(manifest: Manifest) -> NDArray[np.float32]:
    """Return the input of the test vector: dark to bright within each image, (1, C, Y, X)."""
    rng = np.random.default_rng(5)
    scene = make_scene(rng, max(_VECTOR_PX))[: _VECTOR_PX[0], : _VECTOR_PX[1]]
    photons = (0.3 + np.maximum(scene, 0.0)) * np.geomspace(0.3, 300.0, _VECTOR_PX[1])
    shots = [stabilised(expose(rng, photons, 1.4)) for _ in range(manifest.in_frames)]
    extra = tuple(_VECTOR_EXTRA[name] for name in manifest.extra_channels)
    images = np.stack([noisy for noisy, _ in shots])
    return collate([Sample(images, images[-1], images[-1], extra)]).planes


def write_curve(path: Path, looks: Sequence[Look]) -> None:
    """Write how the training went, one line per look."""
    lines = [",".join(f.name for f in fields(Look))]
    lines += [",".join(f"{value:.6g}" for value in asdict(look).values()) for look in looks]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
