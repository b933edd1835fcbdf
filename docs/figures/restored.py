"""Draw what the shipped networks make of faint frames, beside tuned filters and the truth.

From the repository: `python -m docs.figures.restored` writes docs/images/restored.png. Everything
is simulated and known; `lightloop bench models` has the numbers, over many images.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from docs.figures.sheet import MUTED, Sheet
from lightloop.bench import models_rivals as rivals
from lightloop.bench import models_superres as superres
from lightloop.bench.models_nets import FAST, SUPERRES, find
from lightloop.bench.models_score import db
from models.denoise import Denoiser
from models.superres import SuperResolver
from models.train.binned import binned
from models.train.noisy import expose
from models.train.scenes import make_scene
from models.train.score import GAIN, OFFSET, READ_E, to_adu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]

OUT = Path(__file__).parent.parent / "images" / "restored.png"
SEED, SIDE_PX, SHOWN_PX = 11, 256, 144
PEAK_E = 6.0
TILE, GAP = 196, 10


def denoised(rng: np.random.Generator) -> list[tuple[str, Image]]:
    """Return the raw frame, the best Gaussian, the network's answer and the truth."""
    package = find(FAST)
    assert package is not None
    scene = np.maximum(make_scene(rng, SIDE_PX, "cells"), 0.0).astype(float)
    truth = 0.2 + PEAK_E * scene
    adu = to_adu(expose(rng, truth, READ_E).electrons)
    electrons = (adu.astype(float) - OFFSET) / GAIN
    filtered = [rivals.gauss(electrons, sigma) for sigma in rivals.SIGMAS_PX]
    network = Denoiser(package, adu.shape, GAIN, OFFSET, READ_E)
    answer = network(adu).photons.astype(float)
    network.close()
    best = max(filtered, key=lambda image: db(image, truth))
    shown = {"raw frame": electrons, "best Gaussian": best, FAST: answer}
    return _captions(shown, truth)


def finer(rng: np.random.Generator) -> list[tuple[str, Image]]:
    """Return the binned frame, the best filter, the network's answer and the truth."""
    package = find(SUPERRES)
    assert package is not None
    scene = rivals.gauss(np.maximum(make_scene(rng, SIDE_PX, "cells"), 0.0), superres.PSF_PX)
    truth = (0.2 + 5 * PEAK_E * scene) / 4.0
    adu = to_adu(expose(rng, binned(truth), READ_E).electrons)
    electrons = (adu.astype(float) - OFFSET) / GAIN
    filtered = rivals.finer(electrons, superres.PSF_PX)
    name, best = max(filtered, key=lambda each: db(each[1], truth))
    network = SuperResolver(package, adu.shape, GAIN, OFFSET, READ_E)
    answer = network(adu).photons.astype(float)
    network.close()
    pixels = np.kron(electrons, np.ones((2, 2))) / 4.0
    return _captions({"binned frame": pixels, f"best {name}": best, SUPERRES: answer}, truth)


def _captions(shown: dict[str, Image], truth: Image) -> list[tuple[str, Image]]:
    named = [(f"{name}, {db(image, truth):.1f} dB", image) for name, image in shown.items()]
    return [*named, ("truth", truth)]


def liveliest(truth: Image) -> tuple[slice, slice]:
    """Return the part of an image, that has the most contrast."""
    corners = range(0, SIDE_PX - SHOWN_PX + 1, 16)
    parts = [(slice(y, y + SHOWN_PX), slice(x, x + SHOWN_PX)) for y in corners for x in corners]
    return max(parts, key=lambda part: float(truth[part].std()))


def row(sheet: Sheet, y: float, images: list[tuple[str, Image]]) -> None:
    """Draw images side by side, all in the brightness of the last one."""
    truth = images[-1][1]
    part = liveliest(truth)
    low, high = np.quantile(truth[part], [0.01, 0.998])
    for number, (caption, image) in enumerate(images):
        grey = np.clip((image[part] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        rgb = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
        large = cv2.resize(rgb, (2 * TILE, 2 * TILE), interpolation=cv2.INTER_NEAREST)
        x = 20 + number * (TILE + GAP)
        sheet.picture(x, y, TILE, TILE, np.asarray(large, np.uint8))
        sheet.text(x, y + TILE + 15, caption, colour=MUTED)


def main() -> None:
    """Draw and write the figure."""
    rng = np.random.default_rng(SEED)
    sheet = Sheet(
        30 + 4 * (TILE + GAP), 64 + 2 * (TILE + 32), "What the networks make of little light",
        f"simulated cells; above: at most {PEAK_E:g} e- a pixel; below: a camera binned 2 x 2, "
        f"{5 * PEAK_E:g} e- a pixel, at twice its resolution",
    )  # fmt: skip
    row(sheet, 68, denoised(rng))
    row(sheet, 68 + TILE + 30, finer(rng))
    sheet.save(OUT)


if __name__ == "__main__":
    main()
