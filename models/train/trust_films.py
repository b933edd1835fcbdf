"""Simulated frames that no network learnt from, whose truth is known: to measure trust with.

A specimen is drawn in some light, a camera looks at it, a network restores what it saw; what is
stated of the error is put beside what was true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.conformal import contrast_of
from models.denoise import Denoiser
from models.history import Moment
from models.regions import Regions, shrunk, split
from models.train.noisy import expose
from models.train.scenes import make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from models.denoise import Denoised
    from models.package import Package

SIZE = 256
GAIN_ADU_PER_E, OFFSET_ADU, SATURATION_ADU = 2.0, 100.0, 65535.0
ROUNDING_E = 1.0 / np.sqrt(12.0) / GAIN_ADU_PER_E
"""Noise of rounding to whole counts, rms e-."""
READ_NOISE_E = (0.9, 1.6, 2.4)
PEAK_E, BACKGROUND_E = (1.0, 500.0), (0.1, 10.0)
BRIGHTEST_E = (0.5, 600.0)
"""Light of the brightest pixels of half of the scenes: a policy takes a specimen anywhere, and its
background along."""
MARGIN_PX = 16
"""Around the field of view, for a specimen to walk in."""
_SPEED_PX = (0.05, 3.0)


class Known(NamedTuple):
    """A simulated specimen and the camera that looks at it.

    Attributes
    ----------
    truth_e
        What the camera should see, (Y, X) float64 photo-electrons.
    camera
        Which of `READ_NOISE_E`.
    """

    truth_e: NDArray[np.float64]
    camera: int


def draw(rng: np.random.Generator, size: int = SIZE, kind: str = "") -> Known:
    """Draw a specimen, its light and a camera; peak and background evenly over octaves."""
    scene = np.maximum(make_scene(rng, size, kind), 0.0).astype(np.float64)
    peak, background = (
        float(np.exp(rng.uniform(*np.log(reach)))) for reach in (PEAK_E, BACKGROUND_E)
    )
    return Known(background + peak * scene, int(rng.integers(len(READ_NOISE_E))))


def relit(rng: np.random.Generator, known: Known) -> Known:
    """Return a specimen in other light, evenly over octaves of its brightest pixels."""
    brightest = float(np.quantile(known.truth_e, 0.999))
    wanted = float(np.exp(rng.uniform(*np.log(BRIGHTEST_E))))
    return known._replace(truth_e=known.truth_e * (wanted / brightest))


def field(known: Known, place_px: NDArray[np.float64]) -> Known:
    """Return what a field of view shows of a larger specimen that has walked so far, px."""
    place = np.clip(place_px, -MARGIN_PX, MARGIN_PX)
    top, left = (round(MARGIN_PX + float(step)) for step in place)
    return known._replace(truth_e=known.truth_e[top : top + SIZE, left : left + SIZE])


def frame(rng: np.random.Generator, known: Known) -> NDArray[np.uint16]:
    """Take a noisy frame, (Y, X) ADU."""
    shot = expose(rng, known.truth_e, READ_NOISE_E[known.camera])
    adu = np.round(OFFSET_ADU + GAIN_ADU_PER_E * shot.electrons)
    return np.clip(adu, 0, SATURATION_ADU).astype(np.uint16)


class Denoisers:
    """The package, opened once for each of the cameras."""

    def __init__(self, package: Package, size: int = SIZE) -> None:
        self._each = [
            Denoiser(package, (size, size), GAIN_ADU_PER_E, OFFSET_ADU, read)
            for read in READ_NOISE_E
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for denoise in self._each:
            denoise.close()

    def forget(self) -> None:
        """Let the next frame be the first of its scene."""
        for denoise in self._each:
            denoise.forget()

    @property
    def in_frames(self) -> int:
        """Frames that the network sees at most."""
        return self._each[0].in_frames

    def __call__(
        self, adu: NDArray[np.uint16], camera: int, moment: Moment | None = None
    ) -> Denoised:
        """Restore a frame of a camera; the answer is valid until the next of that camera."""
        if moment is not None:
            self._each[camera].expect(moment)
        return self._each[camera](adu)


class Seen(NamedTuple):
    """What is known of a region in one frame, photo-electrons: stated and true error, light.

    `contrast` is that of the image (`models.conformal.contrast_of`).
    """

    stated_e: float
    true_e: float
    mean_e: float
    contrast: float = 0.0


def compare(regions: Regions, answer: Denoised, known: Known, *, cells: bool) -> Seen:
    """Return the stated and the true error of a region of a restored frame."""
    assert answer.sd_e is not None
    error = (answer.photons - known.truth_e).astype(np.float32)
    squares = (regions.mean(shrunk(v * v), cells=cells) for v in (answer.sd_e, error))
    stated, true = (float(np.sqrt(value)) for value in squares)
    light, other = (regions.mean(regions.photons, cells=which) for which in (cells, not cells))
    contrast = contrast_of(light, other) if cells else contrast_of(other, light)
    return Seen(stated, true, light, contrast)


class Film(NamedTuple):
    """The last frame of a film: what was there, what the camera saw, what became of it."""

    known: Known
    adu: NDArray[np.uint16]
    answer: Denoised


def last_of_film(rng: np.random.Generator, denoise: Denoisers, in_any_light: float = 0.5) -> Film:
    """Film a new specimen for as long as the network remembers, or shorter; return the last frame.

    A network that sees one frame gets one.

    Parameters
    ----------
    in_any_light
        Share of the specimens that stand in any light, as a policy would choose it.
    """
    scene = draw(rng, SIZE + 2 * MARGIN_PX)
    if rng.random() < in_any_light:
        scene = relit(rng, scene)
    frames = 1 if denoise.in_frames == 1 else int(rng.integers(1, denoise.in_frames + 2))
    speed = float(np.exp(rng.uniform(*np.log(_SPEED_PX))))
    place = np.zeros(2)
    denoise.forget()
    for _ in range(frames):
        known = field(scene, place)
        adu = frame(rng, known)
        answer = denoise(adu, known.camera)
        place = place + speed * rng.standard_normal(2)
    return Film(known, adu, answer)


TARGET_SNR = (12.0, 100.0)
"""Clearness of a cell of `CELL_PX` pixels that policies are asked to keep."""
CELL_PX = 200.0
_SHOTS, _STEP_PX, _BLEACHED = 4, 2.0, 0.02
_UP, _DOWN, _EAGER = 1.25, 0.1, 0.7
"""Most and least factor on the light from shot to shot, and how much of the way is gone: as the
SNR policy does by default."""
_START = 30.0


def steered(rng: np.random.Generator, denoise: Denoisers, most_e: float) -> Iterator[Film]:
    """Film a new specimen whose light is led to what makes its cells so clear; give every frame.

    It walks and bleaches, and the light moves between the frames that a network sees together, as
    where a policy is in charge.

    Parameters
    ----------
    most_e
        Of the brightest pixels: what the network is for, photo-electrons a pixel.
    """
    scene = draw(rng, SIZE + 2 * MARGIN_PX)
    most = most_e / float(np.quantile(scene.truth_e, 0.999))
    snr = float(np.exp(rng.uniform(*np.log(TARGET_SNR))))
    light = float(np.exp(rng.uniform(*np.log((most / _START, most)))))
    wanted, place = light_for(scene, snr), np.zeros(2)
    denoise.forget()
    for shot in range(_SHOTS):
        seen = field(scene, place)
        seen = seen._replace(truth_e=seen.truth_e * light * (1.0 - _BLEACHED) ** shot)
        adu = frame(rng, seen)
        yield Film(seen, adu, denoise(adu, seen.camera, Moment(0, shot, shot, light)))
        place = place + _STEP_PX * rng.standard_normal(2)
        light = min(light * min(max((wanted / light) ** _EAGER, _DOWN), _UP), most)


def light_for(scene: Known, snr: float) -> float:
    """Return the factor on a specimen's light that makes its cells so clear.

    Of a cell of n pixels with s e- above a background of b e- and read noise r, ``snr^2 = n s^2 /
    (s + b + r^2)``, and s and b grow with the light: a quadratic equation.
    """
    regions = split(scene.truth_e.astype(np.float32))
    cells, dark = (regions.mean(regions.photons, cells=which) for which in (True, False))
    if not cells > dark:
        return 1.0
    signal, share = cells - dark, snr**2 / CELL_PX
    half = 0.5 * share * cells
    read_e2 = READ_NOISE_E[scene.camera] ** 2
    return float((half + np.sqrt(half**2 + share * signal**2 * read_e2)) / signal**2)
