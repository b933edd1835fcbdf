"""Short movies to learn from: drift, deformation, flashes, cuts; the last frame is to be restored.

Nothing follows one rule for long: half of what a network learns here is when *not* to believe the
past. All ranges are proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models import noise
from models.train import noisy
from models.train.batch import Sample
from models.train.scenes import oriented_crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]

FRAMES = 5
_NO_PAST, _LITTLE_PAST = 0.2, 0.15
"""Share of samples with no past frame at all, and with only a part of it."""
_RATIO_CHANGED = 0.3
_CUT = 0.06
_MARGIN_PX = 32
"""What moves into view within four frames at 6 px each, and some more."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How one layer of a specimen moves: where its pixels were ``age`` frames ago.

    Attributes
    ----------
    path_px
        Shift of the whole layer, (T, 2) as (y, x), 0 for the last frame.
    warp_px
        Smooth shift per frame of age on top, (2, Y, X); None: rigid.
    """

    path_px: NDArray[np.float32]
    warp_px: Image | None = None


def random_motion(rng: np.random.Generator, frames: int, size: int) -> Motion:
    """Draw a motion: still, creeping, drifting or running at up to 6 px per frame."""
    kind = rng.random()
    if kind < 0.2:
        speed = 0.0
    elif kind < 0.65:
        speed = float(np.exp(rng.uniform(np.log(0.03), np.log(1.0))))
    else:
        speed = float(rng.uniform(1.0, 6.0))
    turn = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.choice([0.05, 1.0]), frames))
    steps = speed * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    path = np.cumsum(steps, axis=0)
    if rng.random() < 0.2:  # the stage trembles
        path += rng.normal(0.0, 0.3 * rng.random(), path.shape)
    path = (path - path[-1]).astype(np.float32)
    if rng.random() < 0.6:
        return Motion(path)
    coarse = rng.standard_normal((2, 5, 5)).astype(np.float32)
    bend = np.float32(max(speed, 0.05) * rng.uniform(0.1, 0.6))
    warp = np.stack([cv2.resize(c, (size, size), interpolation=cv2.INTER_CUBIC) for c in coarse])
    return Motion(path, bend * np.asarray(warp, np.float32))


def moved(scene: Image, corner: tuple[int, int], size: int, motion: Motion) -> Image:
    """Return a movie (T, size, size) of a window of ``scene``; its last frame is not resampled."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    out = np.empty((len(motion.path_px), size, size), np.float32)
    for index, shift in enumerate(motion.path_px):
        age = np.float32(len(motion.path_px) - 1 - index)
        if age == 0:
            out[index] = scene[corner[0] : corner[0] + size, corner[1] : corner[1] + size]
            continue
        row, column = y + np.float32(corner[0]) - shift[0], x + np.float32(corner[1]) - shift[1]
        if motion.warp_px is not None:
            row, column = row + age * motion.warp_px[0], column + age * motion.warp_px[1]
        cv2.remap(
            scene, column, row, cv2.INTER_LANCZOS4, out[index], cv2.BORDER_REFLECT_101
        )  # sharp: a soft past would teach the network to mistrust it
    return np.maximum(out, np.float32(0.0))


def time_course(rng: np.random.Generator, frames: int) -> NDArray[np.float32]:
    """Draw how something that flashes, fades, appears or goes changes, (T,), 0 to 1."""
    t, kind = np.arange(frames, dtype=np.float32), int(rng.integers(4))
    onset = rng.uniform(-3.0, frames - 0.5)
    if kind == 0:  # a calcium transient: up at once or in some frames, down slowly
        since = np.maximum(t - onset, 0.0)
        rise, fall = rng.uniform(0.1, 3.0), float(np.exp(rng.uniform(np.log(1.0), np.log(30.0))))
        course = (1.0 - np.exp(-since / rise)) * np.exp(-since / fall)
    elif kind == 1:  # appears
        course = (t >= onset).astype(np.float32)
    elif kind == 2:  # goes
        course = (t < onset).astype(np.float32)
    else:  # blinks
        course = (rng.random(frames) < 0.5).astype(np.float32)
    return np.asarray(course, np.float32)


def _blobs(rng: np.random.Generator, size: int) -> Image:
    """Return soft discs that brighten together, (size, size), 0 to 1."""
    image = np.zeros((size, size), np.float32)
    radius = float(np.exp(rng.uniform(np.log(3.0), np.log(30.0))))
    for _ in range(int(rng.integers(1, 8))):
        centre = tuple(int(v) for v in rng.integers(0, size, 2))
        cv2.circle(image, centre, max(int(radius * rng.lognormal(0, 0.3)), 1), 1.0, -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.0)), np.float32)


def draw_movie(rng: np.random.Generator, scenes: Sequence[Image], frames: int, size: int) -> Image:
    """Return a clean movie, (T, size, size) float32, about 0 to 1 but in flashes."""
    movie = _layer(rng, scenes, frames, size)
    if rng.random() < 0.5:  # something else moves across, and may come and go
        other = _layer(rng, scenes, frames, size)
        if rng.random() < 0.4:
            other *= time_course(rng, frames)[:, None, None]
        movie += np.float32(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))) * other
    if rng.random() < 0.3:  # cells light up
        height = np.float32(rng.uniform(0.2, 3.0))
        course = time_course(rng, frames)[:, None, None]
        movie *= 1.0 + height * course * _blobs(rng, size)
    if rng.random() < 0.3:  # the lamp flickers, the dye fades
        movie *= rng.lognormal(0.0, 0.15 * rng.random(), (frames, 1, 1)).astype(np.float32)
    if rng.random() < _CUT:  # the stage went elsewhere, and nobody said so
        cut = int(rng.integers(1, frames)) if frames > 1 else 0
        movie[:cut] = _layer(rng, scenes, frames, size)[:cut]
    return movie


def _layer(rng: np.random.Generator, scenes: Sequence[Image], frames: int, size: int) -> Image:
    whole = scenes[int(rng.integers(len(scenes)))]
    around = min(size + 2 * _MARGIN_PX, *whole.shape)
    scene = oriented_crop(rng, [whole], around)
    first, last = (around - size) // 2, (around - size + 1) // 2
    corner = (int(rng.integers(first, last + 1)), int(rng.integers(first, last + 1)))
    return moved(scene, corner, size, random_motion(rng, frames, size))


def expose_movie(
    rng: np.random.Generator,
    photons: NDArray[np.float64],
    camera: noisy.Camera,
    ratios: NDArray[np.float64],
) -> Image:
    """Expose each frame at ``ratio`` times the light of the last and bring it to the last's light.

    Returns
    -------
    ndarray
        Stabilised noisy frames, (T, Y, X) float32. The noise of a frame taken with a ratio below 1
        is larger than 1, as it is at the microscope.
    """
    ratio = ratios[:, None, None]
    electrons = camera.expose(rng, photons * ratio) / ratio
    return noise.forward(electrons, 1.0, 0.0, camera.read_noise_e).astype(np.float32)


def random_ratios(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Draw the light of each frame over that of the last, 0.5 to 2; mostly all the same."""
    if rng.random() >= _RATIO_CHANGED:
        return np.ones(frames)
    if rng.random() < 0.5:  # a step, as a controller makes
        ratios = np.ones(frames)
        ratios[: int(rng.integers(1, frames + 1))] = 2.0 ** rng.uniform(-1, 1)
    else:
        ratios = 2.0 ** rng.uniform(-1, 1, frames)
    ratios[-1] = 1.0
    return ratios


def forget(rng: np.random.Generator, images: Image, base: Image) -> Image:
    """Fill the past frames that are missing, oldest first, with the base image, in place."""
    frames, kind = len(images), rng.random()
    missing = 0
    if kind < _NO_PAST:
        missing = frames - 1
    elif kind < _NO_PAST + _LITTLE_PAST and frames > 1:
        missing = int(rng.integers(1, frames))
    images[:missing] = base
    return images


def movie_sample(
    rng: np.random.Generator, scenes: Sequence[Image], frames: int, size: int
) -> Sample:
    """Return one example for a denoiser of ``frames`` frames, oldest first."""
    photons = noisy.light(rng, draw_movie(rng, scenes, frames, size))
    camera = noisy.random_camera(rng, (size, size))
    images = expose_movie(rng, photons, camera, random_ratios(rng, frames))
    clean = noise.forward(photons[-1] / camera.wrong, 1.0, 0.0, camera.read_noise_e)
    base = noisy.smoothed(images[-1])
    return Sample(forget(rng, images, base), base, clean.astype(np.float32))
