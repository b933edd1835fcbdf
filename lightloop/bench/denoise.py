"""The shipped network: how fast, how faithful to its stored answer, and how much noise it leaves.

Sabotage: one block of 16 x 16 pixels of every answer is changed by one unit of the noise.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.config import SimulatedScopeConfig
from lightloop.bench.report import Measured, Options

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGE = "denoise-2d"
FRAMES = 100
BLOCK_PX = 16
CONFIG = SimulatedScopeConfig()
SEED_OF_FRAME = 1_000
EXPOSURE_S, DOSE_J_CM2 = 0.01, 0.01  # some 60 photo-electrons a pixel in a young nucleus


def run(options: Options) -> Measured:
    """Restore simulated frames whose truth is known."""
    from models.denoise import Denoiser
    from models.package import Package, shipped

    package = Package.load(shipped(PACKAGE))
    camera = CONFIG.calibration()
    shape = (CONFIG.height, CONFIG.width)
    denoise = Denoiser(
        package, shape, camera.gain_adu_per_e, camera.offset_adu, camera.read_noise_e
    )
    truth_e = _truth_e()
    times_ms: list[float] = []
    cpu_ms: list[float] = []
    left: list[float] = []
    try:
        for number in range(options.times(FRAMES, least=5)):
            adu = _frame(truth_e, number)
            start, cpu_start = time.perf_counter_ns(), time.process_time_ns()
            photons = denoise(adu).photons
            times_ms.append((time.perf_counter_ns() - start) * 1e-6)
            cpu_ms.append((time.process_time_ns() - cpu_start) * 1e-6)
            raw_e = (adu - camera.offset_adu) / camera.gain_adu_per_e
            left.append(_rms(photons - truth_e) / _rms(raw_e - truth_e))
    finally:
        denoise.close()
    blocks = _parity_by_block(sabotage=options.sabotage)
    return Measured(
        {
            "denoise_p50_ms": statistics.median(times_ms),
            "denoise_cpu_ms": statistics.fmean(cpu_ms),
            "denoise_parity_rms": float(np.sqrt(np.mean(blocks**2))),
            "denoise_parity_worst_block": float(blocks.max()),
            "denoise_noise_left": statistics.median(left),
        },
        {
            "ms": times_ms,
            "cpu_ms": cpu_ms,
            "noise_left": left,
            "block_rms": [float(b) for b in blocks],
        },
    )


def _truth_e() -> NDArray[np.float32]:
    """Return the mean photo-electrons of one exposure of the simulated specimen, (Y, X)."""
    from acquire.simulated.optics.optics import Optics, Window
    from acquire.simulated.specimen.specimen import Specimen

    nuclei = Specimen(CONFIG).truth()
    window = Window(0, 0, CONFIG.width, CONFIG.height)
    image = Optics(CONFIG).expected(nuclei, nuclei.dye, DOSE_J_CM2, (0.0, 0.0), 0.0, window)
    return image + np.float32(CONFIG.background_e + CONFIG.dark_current_e_s * EXPOSURE_S)


def _frame(truth_e: NDArray[np.float32], number: int) -> NDArray[np.uint16]:
    """Return what the simulated camera makes of it, ADU, (Y, X) uint16; other noise each time."""
    from acquire.simulated.sensor.sensor import Sensor

    out = np.empty(truth_e.shape, np.uint16)
    Sensor(CONFIG).read_out(truth_e, SEED_OF_FRAME + number, out)
    return out


def _parity_by_block(*, sabotage: bool) -> NDArray[np.float64]:
    """Return the rms deviation from the stored answer in each block, in units of the noise."""
    from models.engines.gate import open_engine
    from models.package import Package, shipped

    package = Package.load(shipped(PACKAGE))
    frames, wanted = package.test_vector()
    height, width = frames.shape[-2:]
    engine = open_engine(package, (height, width))
    try:
        answer = engine.infer(frames).astype(np.float64)
    finally:
        engine.close()
    if sabotage:
        answer[..., :BLOCK_PX, :BLOCK_PX] += 1.0
    squares = ((answer - wanted) ** 2).max(axis=(0, 1))  # (Y, X), the worse of mean and variance
    rows, columns = height // BLOCK_PX, width // BLOCK_PX
    tiles = squares[: rows * BLOCK_PX, : columns * BLOCK_PX]
    means: NDArray[np.float64] = tiles.reshape(rows, BLOCK_PX, columns, BLOCK_PX).mean(axis=(1, 3))
    return np.sqrt(means).ravel()


def _rms(difference: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))
