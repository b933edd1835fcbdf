"""Teach a network where nuclei are: ``python -m models.train segment --out DIR --data DIR``.

It learns three maps (`models.train.masks`) from stabilised images, noisy and restored ones, so that
it may stand behind a denoiser or do without.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional

from models.errors import ModelError
from models.manifest import Manifest
from models.package import WEIGHTS, Package
from models.residuals import Limits
from models.train.batch import MU, SD, normalised
from models.train.loss import half_precision
from models.train.masks import draw_nuclei, load_nuclei, maps_of
from models.train.noisy import light, random_camera
from models.train.scenes import blurred, make_scene
from models.train.segment_pack import pack_segmenter
from models.unet import LiteUNet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.train.masks import Scene

logger = logging.getLogger(__name__)

CROP_PX, BATCH = 128, 8
SCENES, HELD_OUT_SCENES = 500, 30
_EMPTY = 0.06
"""Share of examples without any nucleus: empty fields, filaments, clouds (proposed)."""
_LEAST_E = 2.0
"""The brightest pixel of an example has so many photo-electrons at least (proposed)."""
_REAL = 0.65
"""Share of examples from images that people outlined (proposed)."""


@dataclass(frozen=True, slots=True)
class SegmentLook:
    """One look at the held-out part.

    Attributes
    ----------
    train_loss, held_out_loss
        As trained: cross-entropies of foreground and core, squared error of the depth.
    foreground_iou
        Overlap over union of foreground above one half, held out.
    """

    step: int
    train_loss: float
    held_out_loss: float
    foreground_iou: float
    seconds: float


def example(
    rng: np.random.Generator, real: Sequence[Scene], simulated: Sequence[Scene], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return one network input (1, size, size) and its maps (3, size, size)."""
    if rng.random() < _EMPTY:
        kind = str(rng.choice(["filaments", "clouds", "membranes", "empty"]))
        clean = np.zeros((size, size), np.float32)
        if kind != "empty":
            clean = np.maximum(make_scene(rng, size, kind), 0.0)
        labels = np.zeros((size, size), np.int32)
    else:
        scenes = real if real and rng.random() < _REAL else simulated
        clean, labels = _piece(rng, *scenes[int(rng.integers(len(scenes)))], size)
    return seen(rng, clean)[None], maps_of(labels)


def _piece(
    rng: np.random.Generator, image: NDArray[np.float32], labels: NDArray[np.int32], size: int
) -> Scene:
    """Cut out a square, enlarged or shrunk, turned and mirrored at random."""
    zoom = float(np.exp(rng.uniform(np.log(0.65), np.log(1.6))))
    need = min(int(np.ceil(size / zoom)), *image.shape)
    y, x = (int(rng.integers(0, n - need + 1)) for n in image.shape)
    part = np.s_[y : y + need, x : x + need]
    kind = cv2.INTER_AREA if need > size else cv2.INTER_LINEAR
    clean = cv2.resize(image[part], (size, size), interpolation=kind)
    names = cv2.resize(labels[part], (size, size), interpolation=cv2.INTER_NEAREST)
    turn = int(rng.integers(4))
    clean, names = np.rot90(clean, turn), np.rot90(names, turn)
    if rng.random() < 0.5:
        clean, names = clean[:, ::-1], names[:, ::-1]
    return np.ascontiguousarray(clean), np.ascontiguousarray(names)


def seen(rng: np.random.Generator, clean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the network is given of a specimen, (Y, X): exposed, perhaps restored."""
    if rng.random() < 0.3:
        clean = clean ** np.float32(rng.uniform(0.6, 1.5))
    photons = light(rng, clean)
    photons *= max(1.0, _LEAST_E / max(float(photons.max()), 1e-3)) if clean.any() else 1.0
    camera = random_camera(rng, clean.shape)
    electrons = camera.expose(rng, photons).astype(np.float32)
    way = rng.random()
    if way < 0.3:  # what a denoiser leaves: most of the noise gone, some blur
        rest = np.float32(rng.uniform(0.0, 0.3))
        electrons = rest * electrons + (1 - rest) * blurred(photons.astype(np.float32), 0.8)
    elif way < 0.6:
        electrons = blurred(electrons, rng.uniform(0.6, 2.0))
    pedestal = np.float32(0.375 + camera.read_noise_e**2)
    return normalised(2.0 * np.sqrt(np.maximum(electrons + pedestal, 0.0)).astype(np.float32))


def loss_of(out: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return cross-entropy of foreground and core plus the squared error of the depth."""
    cross = functional.binary_cross_entropy_with_logits
    depth = ((out[:, 1] - wanted[:, 1]) ** 2 * (1 + 3 * wanted[:, 0])).mean()
    return cross(out[:, 0], wanted[:, 0]) + cross(out[:, 2], wanted[:, 2]) + 2 * depth


def fit(
    net: LiteUNet, real: Sequence[Scene], simulated: Sequence[Scene],
    held_out: tuple[torch.Tensor, torch.Tensor], minutes: float, steps: int, rate: float, seed: int,
) -> list[SegmentLook]:  # fmt: skip
    """Train ``net`` in place until ``minutes`` or ``steps``; it ends as its best held-out self.

    Raises
    ------
    ModelError
        If the training diverged: no look at the held-out part was a number.
    """
    torch.manual_seed(seed)
    net.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-4)
    half, start, losses = half_precision(), time.monotonic(), list[float]()
    looks: list[SegmentLook] = []
    best, best_state = float("inf"), net.state_dict()
    for step in range(1, steps + 1):
        seconds = time.monotonic() - start
        share = max(seconds / (60 * minutes), step / steps)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(step / 100, 0.5 * (1 + np.cos(np.pi * min(share, 1.0))))
        rng = np.random.default_rng((seed, step))
        pairs = [example(rng, real, simulated, CROP_PX) for _ in range(BATCH)]
        planes, wanted = (torch.from_numpy(np.stack(p)) for p in zip(*pairs, strict=True))
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = net(planes.contiguous(memory_format=torch.channels_last))
        loss = loss_of(out.float(), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if step % 250 == 0 or share >= 1 or step == steps:
            look = _look(net, held_out, step, float(np.mean(losses)), seconds)
            looks.append(look)
            logger.info("%s", look)
            losses.clear()
            if look.held_out_loss < best:
                best = look.held_out_loss
                best_state = {k: v.detach().clone() for k, v in net.state_dict().items()}
        if share >= 1:
            break
    if not best < float("inf"):
        raise ModelError(
            f"the training diverged: its loss is {looks[-1].held_out_loss}; lower --rate"
        )
    net.load_state_dict(best_state)
    net.eval()
    return looks


def _look(
    net: LiteUNet, held_out: tuple[torch.Tensor, torch.Tensor], step: int, train: float, s: float
) -> SegmentLook:
    planes, wanted = held_out
    net.eval()
    with torch.inference_mode():
        out = torch.cat([net(part).float() for part in planes.split(16)])
    net.train()
    told, true = out[:, 0] > 0, wanted[:, 0] > 0
    iou = float((told & true).sum() / (told | true).sum().clamp(min=1))
    return SegmentLook(step, train, float(loss_of(out, wanted)), iou, s)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.train segment", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the package")
    parser.add_argument("--data", type=Path, help="folder of real images (HDF5)")
    parser.add_argument("--base", type=int, default=16, help="channels of the finest level")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=60.0, help="end after these")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--init", type=Path, help="package of the same shape to start from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--version", default="1", help="which training, as the manifest says")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train, and pack."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(asked.threads)
    rng = np.random.default_rng(asked.seed)
    simulated = [draw_nuclei(rng, 192) for _ in range(SCENES)]
    others = [draw_nuclei(rng, 192) for _ in range(HELD_OUT_SCENES)]
    real, _, sources = load_nuclei(asked.data) if asked.data is not None else ([], [], [])
    torch.manual_seed(asked.seed)
    net = LiteUNet(1, asked.base, 1, 3)
    if asked.init is not None:
        weights = Package.load(asked.init, task="segment").arrays(WEIGHTS)
        net.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})
    # The last fifth of what may train decides when it is best; the held-out half never does.
    cut = len(real) - len(real) // 5
    rng = np.random.default_rng(10_000 + asked.seed)
    pairs = [example(rng, real[cut:], others, CROP_PX) for _ in range(64)]
    held_out = tuple(torch.from_numpy(np.stack(p)) for p in zip(*pairs, strict=True))
    looks = fit(
        net, real[:cut], simulated, (held_out[0], held_out[1]),
        asked.minutes, asked.steps, asked.rate, asked.seed,
    )  # fmt: skip
    command = (
        f"python -m models.train segment --out models/weights/{asked.out.name} --base {asked.base} "
        f"--steps {asked.steps} --minutes {asked.minutes:g} --rate {asked.rate:g} "
        f"--seed {asked.seed}"
        + (" --data DIR" if asked.data is not None else "")
        + (f" --init {asked.init.name}" if asked.init is not None else "")
    )
    manifest = Manifest(
        name=asked.out.name, task="segment", version=asked.version, in_frames=1, base=asked.base,
        mu=MU, sd=SD, smooth_px=0.0, inverse="maps", log_variance_min=0.0, log_variance_max=0.0,
        photons_min_e=0.0, photons_max_e=600.0, command=command, sources=tuple(sources),
        limits=Limits(), tolerance_rms={"f32": 1e-3, "bf16": 0.2, "fp16": 0.05, "int8": 0.5},
        sha256={}, outputs=3,
    )  # fmt: skip
    pack_segmenter(asked.out, net, looks, manifest)
    print(f"packed {asked.out}")
