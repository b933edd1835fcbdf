"""Score a segmenter on images that never trained, and write its card.

``python -m models.train.segment_score FOLDER --data DIR``; needs scikit-image for the rival.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np

from models.package import Package
from models.segment import USUAL_DIAMETER_PX, Segmenter
from models.train.noisy import counts
from models.train.pack import seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.int64]

IOU = 0.5
"""Overlap over union from which an outline is right."""
PEAKS_E = (5.0, 20.0, 300.0)
"""Photo-electrons of the brightest pixels."""
_READ_NOISE_E = 1.4
_CARD = """# {name}, version {version}

Outlines fluorescent nuclei: photo-electrons in, a number for each nucleus out.

- **Network**: LiteUNet-R2, base {base}, 3 levels, 1 image in, 3 maps out: log odds of "in a
  nucleus", depth below the rim as a share of the greatest, log odds of "in its core".
- **Input**: generalised Anscombe transform of a raw or restored image, then
  `(d - {mu:g}) / {sd:g}`.
- **Reading**: each core is flooded to half-way to the next one (`models.segment.labels_of`).
- **Made for** nuclei of about {diameter:g} px; images of larger ones are shrunk before.
- **Not for**: brightfield; nuclei that hardly differ from the light between them (on the simulated
  `ctc_simplus_01` it finds half of them, and thresholds find nearly all).
- **Made by**: `{command}`

## Outlines that people drew, none of which trained

F1 at an overlap over union of {iou:g}. The rival: Otsu's threshold, distance to the rim, watershed,
given the image without added noise.

| set | peak e | images | network | rival |
| --- | --- | --- | --- | --- |
{rows}

## Learnt from

Simulated nuclei (`models/train/masks.py`) and:

{sources}
"""


def right(told: Labels, true: Labels) -> NDArray[np.int64]:
    """Return how many outlines are right, how many there are, and how many were told."""
    n, m = int(true.max()) + 1, int(told.max()) + 1
    both = np.bincount((true * m + told).ravel(), minlength=n * m).reshape(n, m).astype(float)
    of_true, of_told = both.sum(1), both.sum(0)
    overlap = both / np.maximum(of_true[:, None] + of_told[None] - both, 1)
    hits = int((overlap[1:, 1:] > IOU).sum())
    return np.array([hits, int((of_true[1:] > 0).sum()), int((of_told[1:] > 0).sum())])


def f1(found: Iterable[NDArray[np.int64]]) -> float:
    """Return F1 over all outlines of all images."""
    hits, true, told = np.sum(list(found), axis=0)
    return float(2 * hits / max(true + told, 1))


def otsu(image: NDArray[np.float32]) -> Labels:
    """Return labels by Otsu's threshold, distance to the rim and a watershed."""
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu
    from skimage.segmentation import watershed

    smooth = ndimage.gaussian_filter(image, 1)
    mask = smooth > threshold_otsu(smooth)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    islands = ndimage.label(mask)[0]
    peaks = peak_local_max(depth, min_distance=5, labels=islands, exclude_border=False)
    seeds = np.zeros(image.shape, np.int64)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-depth, seeds, mask=mask), np.int64)


def score_set(
    package: Package, name: str, images: Sequence[Any], labels: Sequence[Any], diameter_px: float
) -> list[dict[str, float | str]]:
    """Return one row for each brightness."""
    factor = max(1, round(diameter_px / USUAL_DIAMETER_PX))
    height, width = images[0].shape
    outline = Segmenter(package, (height // factor, width // factor), _READ_NOISE_E)
    rival = f1(right(otsu(i), n) for i, n in zip(images, labels, strict=True))
    rows: list[dict[str, float | str]] = []
    for peak_e in PEAKS_E:
        rng, found = np.random.default_rng(3), []
        for image, truth in zip(images, labels, strict=True):
            low, high = np.quantile(image, (0.02, 0.999))
            photons = 0.5 + peak_e * np.clip((image - low) / max(high - low, 1e-6), 0, 2)
            noisy = counts(rng, photons) + _READ_NOISE_E * rng.standard_normal(photons.shape)
            small = cv2.resize(
                noisy.astype(np.float32), outline.shape[::-1], interpolation=cv2.INTER_AREA
            )
            told = outline(small)[0].repeat(factor, 0).repeat(factor, 1).astype(np.int64)
            whole = np.zeros(truth.shape, np.int64)
            whole[: told.shape[0], : told.shape[1]] = told
            found.append(right(whole, truth))
        rows.append({"set": name, "peak_e": peak_e, "images": len(images), "network": f1(found),
                     "rival": rival})  # fmt: skip
    outline.close()
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Score a package, write its card, and seal it again."""
    import h5py  # training only

    parser = argparse.ArgumentParser(prog="python -m models.train.segment_score")
    parser.add_argument("folder", type=Path, help="folder of the package")
    parser.add_argument("--data", type=Path, required=True, help="folder of real images (HDF5)")
    parser.add_argument("--command", default="", help="how it was trained, where it took two goes")
    asked = parser.parse_args(arguments)
    package, rows = Package.load(asked.folder, task="segment"), []
    for file, array, start, diameter_px in (
        ("segmentation_nuclei_dsb2018", "image", 75, 14.0),
        ("virtualstain_bf_hoechst", "nuclei", 0, 37.0),
    ):
        with h5py.File(asked.data / f"{file}.h5", "r") as data:
            images = np.asarray(data[array])[start:].astype(np.float32)
            labels = np.asarray(data["label"])[start:].astype(np.int64)
        rows += score_set(package, file, list(images), list(labels), diameter_px)
    manifest = package.manifest
    if asked.command:
        manifest = msgspec.structs.replace(manifest, command=asked.command)
    table = "\n".join(
        f"| {r['set']} | {r['peak_e']:g} | {r['images']} | {r['network']:.3f} | {r['rival']:.3f} |"
        for r in rows
    )
    text = _CARD.format(
        name=manifest.name, version=manifest.version, base=manifest.base, mu=manifest.mu,
        sd=manifest.sd, diameter=USUAL_DIAMETER_PX, command=manifest.command, iou=IOU, rows=table,
        sources="\n".join(f"- {source}" for source in manifest.sources),
    )  # fmt: skip
    scores = json.dumps({"outlines": rows}, indent=1) + "\n"
    (asked.folder / "scores.json").write_text(scores, encoding="utf-8", newline="\n")
    (asked.folder / "card.md").write_text(text, encoding="utf-8", newline="\n")
    seal(asked.folder, manifest)
    print(table)


if __name__ == "__main__":
    main()
