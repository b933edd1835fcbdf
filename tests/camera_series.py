"""A camera made of NumPy alone, to check photon transfer against: its truth is in its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquire.calibrating.camera_numbers import CameraMaps, CameraNumbers
from acquire.calibrating.characterise import characterise
from acquire.calibrating.dark_field import DarkField, DarkSeries
from acquire.calibrating.transfer_fit import FlatField

Filter = Callable[[NDArray[Any]], NDArray[Any]]
EXPOSURES_MS = tuple(10.0 * 2 ** (k / 2) for k in range(16))
SHAPE = (96, 96)


def _own(image: NDArray[Any]) -> NDArray[Any]:
    return image


@dataclass
class SeriesCamera:
    """`filtered` changes every image after the noise is in it, before it is rounded."""

    gain: float | NDArray[Any] = 2.0
    offset: float | NDArray[Any] = 100.0
    read_noise_e: float | NDArray[Any] = 1.6
    full_well_e: float = np.inf
    top: int = 65535
    multiplies: bool = False
    step: int = 1
    bend: float = 0.0
    filtered: Filter = _own
    carry: float = 0.0
    row_noise_e: float = 0.0
    dark_current_e_s: float = 0.0
    electrons_per_ms: float = 20.0
    shape: tuple[int, int] = SHAPE
    seed: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self._before: NDArray[Any] | None = None

    def frame(self, mean_e: float | NDArray[Any], exposure_ms: float = 0.0) -> NDArray[np.uint16]:
        rng = self.rng
        mean_e = mean_e + self.dark_current_e_s * exposure_ms * 1e-3
        electrons: NDArray[Any] = rng.poisson(mean_e, self.shape).astype(float)
        electrons = np.minimum(electrons, self.full_well_e)
        if self.multiplies:  # exponential multiplication: the sum of n is a gamma of shape n
            electrons = np.where(electrons > 0, rng.gamma(np.maximum(electrons, 1e-9)), 0.0)
        electrons *= 1.0 - self.bend * electrons / 3e4
        electrons += self.read_noise_e * rng.standard_normal(self.shape)
        electrons += self.row_noise_e * rng.standard_normal((self.shape[0], 1))
        image = self.filtered(electrons)
        if self.carry and self._before is not None:
            image = (1 - self.carry) * image + self.carry * self._before
        self._before = image
        counts = np.rint((self.offset + self.gain * image) / self.step) * self.step
        return np.clip(counts, 0, self.top).astype(np.uint16)

    def darks(self, n: int = 64) -> DarkField:
        series = DarkSeries()
        for _ in range(n):
            series.add(self.frame(0.0))
        return series.done()

    def flats(
        self, dark: DarkField, n: int = 4, flicker: float = 0.0, drift: float = 0.0
    ) -> FlatField:
        """Take every exposure on the way up and on the way down, under light brighter amidst."""
        flat = FlatField(dark)
        y, x = np.ogrid[-1 : 1 : self.shape[0] * 1j, -1 : 1 : self.shape[1] * 1j]
        profile = 1.0 - 0.15 * (x**2 + y**2)
        for number, ms in enumerate((*EXPOSURES_MS, *EXPOSURES_MS[::-1])):
            lamp = 1.0 + drift * number
            frames = [
                self.frame(
                    self.electrons_per_ms * ms * profile * lamp
                    * (1.0 + flicker * self.rng.standard_normal()),
                    ms,
                )
                for _ in range(n)
            ]  # fmt: skip
            flat.add(ms, np.stack(frames))
        return flat

    def measure(
        self, n_dark: int = 64, n: int = 4, **light: float
    ) -> tuple[CameraNumbers, CameraMaps]:
        dark = self.darks(n_dark)
        return characterise(dark, self.flats(dark, n, **light))
