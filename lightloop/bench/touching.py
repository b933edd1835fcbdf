"""What a network that outlines nuclei is worth where they touch, and what a denoiser is.

The same faint images are counted four ways: by thresholds or by the network, each on the raw image
or with the denoiser in front. Only nuclei that touch another one are scored: an outline is right
where it shares more than half of what it and the true one cover together. All ways are told the
same size.

Sabotage: the network is taken away.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from lightloop.bench.report import Measured, Options
from lightloop.build.detect import build_detector
from lightloop.build.pipeline import load_package
from lightloop.config import NetworkConfig, RunConfig
from lightloop.tracking.cell_size import diameter_of
from lightloop.tracking.eye import numbered, of_shape
from models.denoise import Denoiser, Passthrough
from models.history import Moment
from models.train.masks import draw_nuclei
from realtime.detecting.config import DetectorConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from numpy.typing import NDArray

SEGMENTER, DENOISER = "segment-nuclei", "denoise-2d"
PEAKS_E = (5.0, 20.0, 300.0)
"""Photo-electrons of the brightest pixels (the 99.5th percentile); the last is a usual image."""
READ_NOISE_E, OFFSET_ADU = 1.6, 100.0
OVERLAP = 0.5
NEXT_PX = 2
"""Nuclei touch that are no farther apart."""
SEED = 5
_DRAWN = 30
"""Images as the network learnt from, but others."""
WAYS = {
    "thresholds": ("", ""),
    "denoiser, thresholds": (DENOISER, ""),
    "network": ("", SEGMENTER),
    "denoiser, network": (DENOISER, SEGMENTER),
}


class Scene(NamedTuple):
    """An image, (Y, X) float32 from 0, and whose pixel is whose, (Y, X) int32."""

    image: NDArray[np.float32]
    labels: NDArray[np.int32]


def run(options: Options) -> Measured:
    """Count touching nuclei four ways at three exposures."""
    values: dict[str, float] = {}
    lines = [f"| touching nuclei, peak e- | n | {' | '.join(WAYS)} |", "|---" * 6 + "|"]
    for name, scenes in _sets(options):
        gains, cures = [], []
        with ExitStack() as stack:
            looks = {
                way: stack.enter_context(Look(scenes, denoiser, "" if options.sabotage else net))
                for way, (denoiser, net) in WAYS.items()
            }
            for peak in PEAKS_E:
                f1 = _f1(scenes, peak, looks)
                n = sum(len(_touch(scene.labels)) for scene in scenes)
                told = " | ".join(f"{f1[way]:.3f}" for way in WAYS)
                lines.append(f"| {name}, {peak:g} | {n} | {told} |")
                gains.append(f1["network"] - f1["thresholds"])
                cures.append(f1["denoiser, thresholds"] - f1["thresholds"])
        values[f"touching_{name}_network_gain"] = float(np.mean(gains))
        values[f"touching_{name}_over_denoiser"] = float(np.mean(gains) - np.mean(cures))
    return Measured(values, table="\n".join(lines))


def _sets(options: Options) -> Iterator[tuple[str, list[Scene]]]:
    rng = np.random.default_rng(SEED)
    drawn = [draw_nuclei(rng, 256) for _ in range(options.times(_DRAWN, least=2))]
    yield "drawn", [Scene(image, labels) for image, labels in drawn]
    if options.data is None:
        return
    import h5py
    import tifffile

    with h5py.File(options.data / "segmentation_nuclei_dsb2018.h5", "r") as file:
        images, labels = np.asarray(file["image"]), np.asarray(file["label"])
    half = len(images) // 2  # the network learnt from the first half
    pairs = zip(images[half:], labels[half:], strict=True)
    yield "dsb2018", [Scene(_from_0(i), n.astype(np.int32)) for i, n in pairs if _touch(n).size]
    folder = options.data / "tracking" / "ctc_simplus_01"
    frames, truth = (tifffile.imread(folder / name) for name in ("frames.tif", "tra.tif"))
    shown = range(0, len(frames), 2)
    yield "simplus", [Scene(_from_0(frames[t]), truth[t].astype(np.int32)) for t in shown]


def _from_0(image: NDArray[Any]) -> NDArray[np.float32]:
    dark = np.percentile(image, 0.5)
    return np.asarray(np.maximum(image.astype(np.float32) - np.float32(dark), 0))


def photographed(image: NDArray[np.float32], peak_e: float, seed: int) -> NDArray[np.uint16]:
    """Return what a camera of 1 ADU/e- makes of an image with this peak."""
    rng = np.random.default_rng(seed)
    mean = image * (peak_e / max(float(np.percentile(image, 99.5)), 1e-6))
    counts = rng.poisson(mean) + rng.normal(OFFSET_ADU, READ_NOISE_E, image.shape)
    return np.asarray(np.clip(np.rint(counts), 0, 65535), np.uint16)


class Look:
    """One way of the live loop to outline nuclei, told the usual size of those in some scenes."""

    def __init__(self, scenes: list[Scene], denoiser: str, network: str) -> None:
        height, width = scenes[0].image.shape
        numbers = (1.0, OFFSET_ADU, READ_NOISE_E)
        self._restore: Denoiser | Passthrough = Passthrough((height, width), *numbers)
        if denoiser:
            self._restore = Denoiser(load_package(denoiser), (height, width), *numbers)
        areas = np.concatenate([np.bincount(scene.labels.ravel())[1:] for scene in scenes])
        size = float(np.clip(diameter_of(areas[areas > 0]), 3.0, 500.0))
        looks = DetectorConfig(diameter_px=size, network=network)
        config = RunConfig.model_construct(detect=looks, network=NetworkConfig())
        self._detect: Any = build_detector(config, READ_NOISE_E)

    def __call__(self, adu: NDArray[np.uint16], number: int) -> NDArray[np.uint16]:
        """Return whose pixel is whose, (Y, X); `number` tells an image from the others."""
        if isinstance(self._restore, Denoiser):
            self._restore.expect(Moment((number, 0, 0), 0, number, 1.0, 0.0, 0.0))
        photons = self._restore(adu).photons
        found = self._detect(photons)
        shrink = getattr(self._detect, "shrink", 1)
        labels = of_shape(self._detect.masks(photons), photons.shape, shrink)
        return numbered(labels, np.column_stack((found.y_px, found.x_px)), found.area_px)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.close()
        if hasattr(self._detect, "close"):
            self._detect.close()


def _f1(scenes: list[Scene], peak: float, looks: dict[str, Look]) -> dict[str, float]:
    """Return by way the F1 of the outlines of touching nuclei in all scenes."""
    found = {way: np.zeros(3, np.int64) for way in looks}
    for number, scene in enumerate(scenes):
        adu = photographed(scene.image, peak, SEED + number)
        for way, look in looks.items():
            found[way] += right(look(adu, number), scene.labels)
    return {way: float(2 * of[0] / max(of[1] + of[2], 1)) for way, of in found.items()}


def _touch(truth: NDArray[Any]) -> NDArray[np.int64]:
    """Return the names of the nuclei that touch another one."""
    side = np.ones((2 * NEXT_PX + 1,) * 2, np.uint8)
    wide = truth.astype(np.float32)
    highest = cv2.dilate(wide, side)
    lowest = cv2.erode(np.where(wide > 0, wide, np.float32(1e9)), side)
    meets = (truth > 0) & ((highest > wide) | (lowest < wide))
    return np.unique(truth[meets]).astype(np.int64)


def right(told: NDArray[np.uint16], truth: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many outlines of touching nuclei are right, how many there are, and are told.

    An outline is of touching nuclei where most of it that is of any nucleus is of such.
    """
    touching = _touch(truth)
    n, m = int(truth.max()) + 1, int(told.max()) + 1
    both = np.bincount(truth.ravel().astype(np.int64) * m + told.ravel(), minlength=n * m)
    both = both.reshape(n, m).astype(np.float64)
    of_true, of_told = both.sum(axis=1), both.sum(axis=0)
    share = both / np.maximum(of_true[:, None] + of_told[None] - both, 1.0)
    hits = int((share[touching, 1:] > OVERLAP).sum())
    on_touching = both[touching, 1:].sum(axis=0)
    n_told = int((on_touching > 0.5 * np.maximum(both[1:, 1:].sum(axis=0), 1.0)).sum())
    return np.array([hits, len(touching), n_told], np.int64)
