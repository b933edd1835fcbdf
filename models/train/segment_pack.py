"""Pack a trained segmenter: network, weights, test vector, curve and the manifest over them."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.package import ONNX, VECTOR, WEIGHTS
from models.train.batch import normalised
from models.train.masks import draw_nuclei
from models.train.noisy import expose, stabilised
from models.train.pack import seal
from models.unet import export_onnx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from models.manifest import Manifest
    from models.unet import LiteUNet


def pack_segmenter(folder: Path, net: LiteUNet, looks: Sequence[Any], manifest: Manifest) -> None:
    """Write the package of a trained segmenter; scores and card come after.

    Parameters
    ----------
    looks
        The curve: dataclasses of numbers.
    manifest
        What ``package.toml`` shall say; its sums are filled in here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    net = net.float().to(memory_format=torch.contiguous_format).eval()
    export_onnx(net, folder / ONNX)
    np.savez(folder / WEIGHTS, **{k: v.numpy() for k, v in net.state_dict().items()})
    planes = vector_planes()
    with torch.inference_mode():
        out = net(torch.from_numpy(planes)).numpy()
    np.savez_compressed(folder / VECTOR, frames=planes, out=out)
    lines = [",".join(f.name for f in fields(looks[0]))]
    lines += [",".join(f"{value:.6g}" for value in asdict(look).values()) for look in looks]
    (folder / "curve.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    seal(folder, manifest)


def vector_planes() -> NDArray[np.float32]:
    """Return the input of the test vector: nuclei, dark to bright, (1, 1, 96, 128) float32."""
    rng = np.random.default_rng(5)
    scene, _ = draw_nuclei(rng, 128)
    photons = (0.3 + scene[:96].astype(np.float64)) * np.geomspace(1.0, 300.0, 128)
    noisy, _ = stabilised(expose(rng, photons, 1.4))
    return normalised(noisy)[None, None]
