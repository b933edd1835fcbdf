"""Real images as specimens to learn from: only sets whose licence lets weights be shipped."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.train.scenes import blurred, scaled

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

_HELD_OUT = 0.15
"""Last share of each set (fields, planes or time points) that never trains (proposed)."""
_GAP = 2
"""Images left out between both parts, because neighbours in depth and time are alike."""
_FAINT_ADU = 40
"""Images with less contrast than this show camera and compression patterns, no specimen."""


@dataclass(frozen=True, slots=True)
class RealSet:
    """How one file becomes clean specimens.

    Attributes
    ----------
    file, array
        HDF5 file and the array in it.
    blur_px, zoom
        Smoothing and scaling, so that little noise is left in what counts as clean.
    """

    file: str
    array: str
    blur_px: float
    zoom: float


SETS = (
    RealSet("segmentation_nuclei_dsb2018.h5", "image", 1.0, 1.0),
    RealSet("zstack_cells3d_nuclei.h5", "zyx", 1.5, 0.75),
    RealSet("zstack_pollen.h5", "zyx", 1.5, 0.75),
    RealSet("timelapse_mitosis_2ch.h5", "tcyx", 1.2, 1.0),
)


def load_real(folder: Path) -> tuple[list[Image], list[Image], list[str]]:
    """Read the real specimens of a folder.

    Returns
    -------
    train, held_out
        Images (Y, X) float32 between 0 and 1.
    sources
        One line each: file, origin and licence, for the card.

    Raises
    ------
    ValueError
        If a file does not say that weights trained on it may be shipped.
    """
    train: list[Image] = []
    held_out: list[Image] = []
    sources: list[str] = []
    for spec in SETS:
        with open_allowed(folder / spec.file) as file:
            sources.append(f"{file.attrs['source']} ({file.attrs['licence']})")
            images = _clean(np.asarray(file[spec.array]), spec)
        cut = int(len(images) * (1 - _HELD_OUT))
        train += images[: cut - _GAP]
        held_out += images[cut:]
    return train, held_out, sources


@contextmanager
def open_allowed(path: Path) -> Generator[Any]:
    """Open a file of images, if it says that weights trained on it may be shipped.

    Raises
    ------
    ValueError
        If it does not.
    """
    import h5py  # training only

    with h5py.File(path, "r") as file:
        allowed = str(file.attrs["train_shipped_weights"])
        if allowed != "yes":
            raise ValueError(
                f"{path.name}: may not train shipped weights (it says {allowed!r}): "
                "take it out of the list"
            )
        yield file


def _clean(pixels: NDArray[np.generic], spec: RealSet) -> list[Image]:
    """Smooth and scale: what is left is a specimen, not noise. Faint images are left out."""
    if spec.array == "tcyx":
        pixels = np.concatenate([pixels[:, c] for c in range(pixels.shape[1])])
    images = []
    for raw in pixels.reshape(-1, *pixels.shape[-2:]).astype(np.float32):
        if float(np.quantile(raw, 0.998)) - float(raw.min()) < _FAINT_ADU:
            continue
        soft = cv2.resize(
            blurred(raw, spec.blur_px), None, fx=spec.zoom, fy=spec.zoom,
            interpolation=cv2.INTER_AREA if spec.zoom < 1 else cv2.INTER_CUBIC,
        )  # fmt: skip
        images.append(np.maximum(scaled(np.asarray(soft, np.float32)), 0.0))
    return images
