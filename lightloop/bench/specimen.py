"""The simulated microscope: fast enough to be nobody's bottleneck, steady, and true to its numbers.

Frames are taken as the devices take them: light box, specimen, optics, chip; no Micro-Manager, no
processes. Times are processor times of all threads together, which other programs do not lengthen:
what one core does. Sabotage: the camera's gain is 2 % off from what its calibration says.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import psutil

from acquire.simulated.bench import Bench
from acquire.simulated.config import LASER
from acquire.simulated.light.local_light_box import LocalLightBox
from acquire.simulated.optics.optics import Window
from acquire.simulated.presets import preset
from acquire.simulated.sensor.sensor import Sensor
from lightloop.bench.report import Measured, Options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

SMALL_FRAMES, LARGE_FRAMES, STACKS, LONG_FRAMES = 300, 20, 5, 10_000
PLANES_UM = np.linspace(-20.0, 20.0, 21)
EXPOSURE_S, POWER = 0.01, 0.2  # as in the demo: some 60 photo-electrons a pixel in a young nucleus
FRAME_S = 2.0  # experiment time between frames
LEVELS_E = (2.0, 8.0, 20.0, 60.0, 150.0, 400.0, 1_000.0, 2_500.0)  # of the photon transfer
MEGABYTE = 2**20
SABOTAGED_GAIN = 1.02


class Stand:
    """A simulated microscope without devices, and the clock that it goes by."""

    def __init__(self, config: SimulatedScopeConfig) -> None:
        self._t_s = 0.0
        self.bench = Bench(config, LocalLightBox(config.lines(), lambda: self._t_s), self._now_s)
        self.bench.light.set_power(LASER, POWER)
        self.bench.light.set_open(True)
        self._window = Window(0, 0, config.width, config.height)
        self.frame = np.empty((config.height, config.width), np.uint16)

    def _now_s(self) -> float:
        return self._t_s

    def take(self, z_um: float = 0.0) -> float:
        """Take one frame and return the processor time that it cost, s."""
        start = time.process_time()
        self.bench.z_um = z_um
        done = self.bench.expose(EXPOSURE_S, self._window, self.frame, lambda s: s or 0.0)
        self._t_s += FRAME_S
        if done.fluence_j_cm2 <= 0.0:
            raise RuntimeError("the bench exposed without light: its numbers would say nothing")
        return time.process_time() - start


def run(options: Options) -> Measured:
    """Measure speed, memory, and the camera's own numbers, on one core."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # two threads that wait for each other would cost more, not less
    try:
        return _measure(options)
    finally:
        cv2.setNumThreads(threads)


def _measure(options: Options) -> Measured:
    small = _frames_s(preset("nuclei-2d"), options.times(SMALL_FRAMES, least=5))
    large = _frames_s(preset("dense"), options.times(LARGE_FRAMES, least=2))
    stacks = _stacks_s(options.times(STACKS))
    memory = _memory_mb(options.times(LONG_FRAMES, least=20))
    return Measured(
        {
            "specimen_frames_per_s": 1.0 / statistics.fmean(small),
            "specimen_large_frames_per_s": 1.0 / statistics.fmean(large),
            "specimen_stack_s": statistics.median(stacks),
            "specimen_growth_mb": memory[-1] - memory[0],
            "specimen_gain_error": _gain_error(sabotage=options.sabotage),
            "specimen_unlike_frames": _unlike_frames(),
        },
        {
            "frame_ms": [1e3 * s for s in small],
            "large_frame_ms": [1e3 * s for s in large],
            "stack_s": stacks,
            "memory_mb": memory,
        },
    )


def _frames_s(config: SimulatedScopeConfig, frames: int) -> list[float]:
    """Return the processor time of each frame; the first, which paints the cells, is left out."""
    stand = Stand(config)
    stand.take()
    return [stand.take() for _ in range(frames)]


def _stacks_s(stacks: int) -> list[float]:
    """Return the processor time of each stack of planes; the first prepares the blurs."""
    config = preset("nuclei-3d").model_copy(update={"psf": "widefield"})
    stand = Stand(config)
    times = [sum(stand.take(float(z_um)) for z_um in PLANES_UM) for _ in range(stacks + 1)]
    return times[1:]


def _memory_mb(frames: int) -> list[float]:
    """Return the memory of this process at ten times of a long run, the first after a tenth."""
    stand, process = Stand(preset("nuclei-2d")), psutil.Process()
    part, memory = max(frames // 10, 1), []
    for number in range(1, frames + 1):
        stand.take()
        if number % part == 0:
            memory.append(process.memory_info().rss / MEGABYTE)
    return memory


def _gain_error(*, sabotage: bool) -> float:
    """Return how far the slope of the photon transfer is from the gain that the camera claims.

    References
    ----------
    Janesick, Photon Transfer, SPIE (2007): the variance of counts rises by the gain for each count.
    """
    config = preset("nuclei-2d")
    real = config.gain_adu_per_e * (SABOTAGED_GAIN if sabotage else 1.0)
    sensor = Sensor(config.model_copy(update={"gain_adu_per_e": real}))
    means, variances = [], []
    for level, mean_e in enumerate(LEVELS_E):
        pair = [_even_frame(sensor, config, mean_e, 2 * level + i) for i in (0, 1)]
        means.append((pair[0].mean() + pair[1].mean()) / 2 - config.offset_adu)
        variances.append((pair[0] - pair[1]).var() / 2)
    # The noise of a variance goes with the variance: each level counts the same.
    slope = np.polyfit(means, variances, 1, w=1.0 / np.array(variances))[0]
    return float(abs(slope / config.gain_adu_per_e - 1.0))


def _even_frame(
    sensor: Sensor, config: SimulatedScopeConfig, mean_e: float, frame: int
) -> NDArray[np.float64]:
    out = np.empty((config.height, config.width), np.uint16)
    even = np.full(out.shape, mean_e, np.float32)
    return sensor.read_out(even, frame, out).astype(np.float64)


def _unlike_frames() -> float:
    """Return how many of a few frames differ when the same experiment is run again."""
    first, again = Stand(preset("nuclei-2d")), Stand(preset("nuclei-2d"))
    unlike = 0
    for _ in range(5):
        first.take()
        again.take()
        unlike += int(not np.array_equal(first.frame, again.frame))
    return float(unlike)
