"""Good frames and bad ones, each told from the start: what a watch over trust must tell apart.

Specimens and cameras are those of `models.train.trust_films`, with seeds of their own; sharp and
blurred nuclei are the simulated microscope's, which no network learnt from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from msgspec import structs

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from models.denoise import Denoised
from models.train import trust_films as known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from models.train.trust_films import Denoisers, Known

    Counts = NDArray[np.uint16]
    Scene = NDArray[np.float64]

FRAMES = 10
"""A fault must be told within so many frames."""
SPOT_E, SPOT_SIGMA_PX = 7.0, 1.5
SPOT_LIGHT_E = 10.0
"""A spot of 7 e- is planted or erased where there is no more light than this, e- a pixel."""
DIM_E = 30.0
"""Background up to which an offset of 2 e- is asked to be told."""
_LIGHT = Applied("c", "l", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)


class Shown(NamedTuple):
    """What the watch is shown: counts, and what stands for the network's answer."""

    adu: Counts
    answer: Denoised


def calibration(camera: int) -> Calibration:
    """Return what one of the simulated cameras claims of itself."""
    return Calibration(
        known.GAIN_ADU_PER_E, known.OFFSET_ADU, known.READ_NOISE_E[camera], known.SATURATION_ADU
    )


def info(
    number: int, shape: tuple[int, int], position: int = 0, look: int | None = None
) -> FrameInfo:
    """Return what a frame of a time-lapse says of itself; `look` is 0 or 1 in an audit."""
    shot = Shot(number, position, 1) if look is None else Shot(number, position, 2, is_audit=True)
    return FrameInfo(
        number, "camera", number, 0, 60.0 * number, shot, look or 0,
        Index(number, 0, 0, position), *shape, (0.0, 0.0, 0.0), _LIGHT,
    )  # fmt: skip


def applied(light_ms: float) -> Applied:
    """Return the light of a frame, ms at full power."""
    return structs.replace(
        _LIGHT, exposure_ms=light_ms, exposure_read_ms=light_ms, power_fraction=1.0
    )


def own(answer: Denoised) -> Denoised:
    """Copy an answer that the next call would write over."""
    sd_e = None if answer.sd_e is None else answer.sd_e.copy()
    return Denoised(answer.photons.copy(), sd_e)


def good(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Show a scene as it is, again and again."""
    while True:
        adu = known.frame(rng, scene)
        yield Shown(adu, denoise(adu, scene.camera))


def wrong_gain(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Show it with a gain 1.5 times that of the calibration."""
    while True:
        adu = _stretched(known.frame(rng, scene), 1.5, 0.0)
        yield Shown(adu, denoise(adu, scene.camera))


def wrong_offset(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Show it with an offset 2 e- above that of the calibration."""
    while True:
        adu = _stretched(known.frame(rng, scene), 1.0, 2.0 * known.GAIN_ADU_PER_E)
        yield Shown(adu, denoise(adu, scene.camera))


def _stretched(adu: Counts, gain: float, more_adu: float) -> Counts:
    counts = (adu.astype(np.float64) - known.OFFSET_ADU) * gain + known.OFFSET_ADU + more_adu
    return np.clip(np.round(counts), 0, known.SATURATION_ADU).astype(np.uint16)


def planted(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Add a spot to every answer, in the same place, which the camera did not see."""
    spot = _spot(rng, scene.truth_e).astype(np.float32)
    while True:
        adu = known.frame(rng, scene)
        answer = denoise(adu, scene.camera)
        yield Shown(adu, Denoised(answer.photons + spot, answer.sd_e))


def erased(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Let the camera see a spot that is in no answer."""
    spot = _spot(rng, scene.truth_e)
    while True:
        adu = known.frame(rng, scene)
        answer = own(denoise(adu, scene.camera))
        more = known.GAIN_ADU_PER_E * rng.poisson(spot)
        yield Shown(np.clip(adu + more, 0, known.SATURATION_ADU).astype(np.uint16), answer)


def _spot(rng: np.random.Generator, truth_e: Scene) -> Scene:
    """Draw a spot as small as the objective shows, away from the rim, where it is not too light."""
    height, width = truth_e.shape
    rows, columns = np.nonzero(truth_e[16:-16, 16:-16] <= SPOT_LIGHT_E)
    pick = int(rng.integers(len(rows)))
    y, x = np.mgrid[:height, :width]
    far = (y - rows[pick] - 16) ** 2 + (x - columns[pick] - 16) ** 2
    spot: Scene = SPOT_E * np.exp(-far / (2.0 * SPOT_SIGMA_PX**2))
    return spot


def saturated(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Clip the lightest half a per cent of the pixels."""
    while True:
        adu = known.frame(rng, scene)
        top = np.quantile(adu, 0.995)
        adu[adu >= top] = np.uint16(known.SATURATION_ADU)
        yield Shown(adu, denoise(adu, scene.camera))


def frozen(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Give the same frame for ever."""
    adu = known.frame(rng, scene)
    while True:
        yield Shown(adu, denoise(adu, scene.camera))


def unseen(rng: np.random.Generator, scene: Known, denoise: Denoisers) -> Iterator[Shown]:
    """Show what no training scene holds: gratings, rings, lattices, boards, text."""
    size = scene.truth_e.shape[0]
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))](rng, size)
    light = float(np.exp(rng.uniform(np.log(10.0), np.log(200.0))))
    strange = scene._replace(truth_e=1.0 + light * pattern)
    return good(rng, strange, denoise)


def _grating(rng: np.random.Generator, size: int) -> Scene:
    y, x = np.mgrid[:size, :size]
    turn, period = rng.uniform(0, np.pi), rng.uniform(4, 16)
    return np.asarray(
        0.5 + 0.5 * np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period)
    )


def _rings(rng: np.random.Generator, size: int) -> Scene:
    y, x = np.mgrid[:size, :size]
    centre = rng.uniform(0.25 * size, 0.75 * size, 2)
    far = np.hypot(y - centre[0], x - centre[1])
    return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * far / rng.uniform(5, 16)))


def _lattice(rng: np.random.Generator, size: int) -> Scene:
    y, x = np.mgrid[:size, :size]
    turn, period = rng.uniform(0, np.pi), rng.uniform(5, 14)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    waves = np.cos(2 * np.pi * u / period) * np.cos(2 * np.pi * v / period)
    return np.asarray(np.maximum(waves, 0.0) ** 2)


def _board(rng: np.random.Generator, size: int) -> Scene:
    y, x = np.mgrid[:size, :size]
    side = int(rng.integers(4, 16))
    return np.asarray((y // side + x // side) % 2, np.float64)


def _text(rng: np.random.Generator, size: int) -> Scene:
    page = np.zeros((size, size), np.uint8)
    for line in range(14, size, 18):
        words = "".join(chr(int(c)) for c in rng.integers(65, 91, size // 8))
        cv2.putText(page, words, (2, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    return page / 255.0


PATTERNS: tuple[Callable[[np.random.Generator, int], Scene], ...] = (
    _grating,
    _rings,
    _lattice,
    _board,
    _text,
)
