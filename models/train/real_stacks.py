"""Real stacks as specimens to learn from: only sets whose licence lets weights be shipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.blind_noise import NoiseEstimate, estimate
from models.train.real import open_allowed
from models.train.scenes import blurred
from models.train.stacks import Raw, Stack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TRAIN_SHARE, GAP = 0.6, 2
"""The first share of the planes trains; the rest, less a gap, never does (proposed). Of a
time-lapse it is the share of the time points."""


@dataclass(frozen=True, slots=True)
class RealStacks:
    """How one file becomes clean stacks.

    Attributes
    ----------
    file, array
        HDF5 file and the array in it.
    blur_px
        Smoothing within each plane, so that little noise is left in what counts as clean. Depth is
        never smoothed: that would make the planes easier to guess than they are.
    step
        Distance of the planes, depths of field: a guess, for no file names its objective.
    """

    file: str
    array: str
    blur_px: float
    step: float


SETS = (
    RealStacks("zstack_cells3d_nuclei.h5", "zyx", 1.2, 0.35),
    RealStacks("zstack_pollen.h5", "zyx", 1.2, 0.5),
    RealStacks("zstack_plant_1135.h5", "zyx", 1.6, 0.4),
    RealStacks("zstack_brain_crop.h5", "zyx", 0.8, 1.0),
    RealStacks("timelapse4d_yeast_mito.h5", "tzyx", 1.2, 0.4),
)


def load_real_stacks(folder: Path) -> tuple[list[list[Stack]], list[Stack], list[str]]:
    """Read the real stacks of a folder.

    Returns
    -------
    train
        One list for each set, so that a set with many stacks does not rule.
    held_out
        Stacks that never train.
    sources
        One line each: file, origin and licence, for the card.

    Raises
    ------
    ValueError
        If a file does not say that weights trained on it may be shipped.
    """
    train, held_out, sources = [], list[Stack](), []
    for spec in SETS:
        with open_allowed(folder / spec.file) as file:
            sources.append(f"{file.attrs['source']} ({file.attrs['licence']})")
            pixels = np.asarray(file[spec.array])
        cut = int(len(pixels) * TRAIN_SHARE)
        kept, apart = pixels[:cut], pixels[cut + GAP :]
        if pixels.ndim == 3:
            kept, apart = kept[None], apart[None]
        level, guess = _level(kept), estimate(kept.reshape(-1, *kept.shape[2:]))
        train.append([_stack(planes, spec, level, guess) for planes in kept])
        held_out += [_stack(planes, spec, level, guess) for planes in apart]
    return train, held_out, sources


def _level(pixels: NDArray[np.generic]) -> tuple[float, float]:
    """Return what counts as 0 and as 1, ADU."""
    low, high = np.quantile(pixels.astype(np.float32), [0.005, 0.998])
    return float(low), float(high)


def _stack(
    planes: NDArray[np.generic],
    spec: RealStacks,
    level: tuple[float, float],
    guess: NoiseEstimate,
) -> Stack:
    low, high = level
    counts = planes.astype(np.float32)
    soft = np.stack([blurred(p, spec.blur_px) for p in counts])
    clean = np.maximum((soft - np.float32(low)) / np.float32(high - low), 0.0)
    electrons = (counts - np.float32(guess.offset_adu)) / np.float32(guess.gain_adu_per_e)
    raw = Raw(electrons, guess.read_noise_e)
    return Stack(clean.astype(np.float32), spec.step, is_step_known=False, raw=raw)
