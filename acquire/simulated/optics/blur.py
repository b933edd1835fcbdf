"""The blur of every height above and below the focus, as a few one-dimensional passes each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from acquire.simulated.optics.psf import Objective, confocal_kernel, widefield_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

    Image = NDArray[np.float32]
    Values = NDArray[np.float64]

STEP_IN_DEPTHS = 0.6  # distance of heights near the focus, in depths of field (lambda n / NA^2)
GROWTH = 1.45  # further out each distance is so much longer than the one before
FARTHEST_UM = 100.0  # what is further off is drawn as if it were here: a faint haze either way
COARSE_PX = 2.0  # a blur is done on coarser pixels while its standard deviation is above this
COARSEST = 5  # 32 x 32 pixels in one
TOLERANCE = 0.05  # rms error of a kernel that the passes may leave, of its own rms
MOST_PASSES = 6
DARK = 2e-3  # a plane that lets less through than this, of the focus, is not drawn (confocal)


@dataclass(frozen=True, slots=True)
class Blur:
    """A symmetric kernel as a sum of outer products, on pixels of 2^level x 2^level.

    Attributes
    ----------
    level
        How often the pixels are halved.
    passes
        Row and column of each outer product, (2 reach + 1,) float32; none: all is dark.
    """

    level: int
    passes: tuple[tuple[Image, Image], ...]

    @property
    def reach(self) -> int:
        """Pixels (of the level) to which a point's light spreads."""
        return len(self.passes[0][0]) // 2 if self.passes else 0

    @property
    def spread_px(self) -> float:
        """Pixels of the camera over which a point would spread were it evenly bright."""
        peak = sum(row[self.reach] * column[self.reach] for row, column in self.passes)
        return float(4.0**self.level / peak)

    def of(self, canvas: Image) -> Image:
        """Return the blurred canvas, (Y, X); a blur without passes has none."""
        blurred: Image = cv2.sepFilter2D(canvas, -1, *self.passes[0])
        for row, column in self.passes[1:]:
            cv2.add(blurred, cv2.sepFilter2D(canvas, -1, row, column), dst=blurred)
        return blurred


def separated(kernel: Values, level: int = 0) -> Blur:
    """Return a kernel that is equal to its transpose and its mirror images as few passes.

    The sum of the kernel is kept exactly, whatever is left out.

    References
    ----------
    Eckart & Young, Psychometrika 1, 211 (1936): the best sum of so few outer products.
    """
    weights, profiles = np.linalg.eigh(0.5 * (kernel + kernel.T))
    order = np.argsort(-np.abs(weights))
    power = np.cumsum(weights[order] ** 2)
    light = np.cumsum(weights[order] * profiles[:, order].sum(0) ** 2) / kernel.sum()
    good = (power >= (1.0 - TOLERANCE**2) * power[-1]) & (np.abs(light - 1.0) < TOLERANCE)
    enough = min(int(good.argmax()) + 1, MOST_PASSES)
    kept = order[:enough]
    columns = 0.5 * (profiles[:, kept] + profiles[::-1, kept])
    rows = columns * (weights[kept] / float(light[enough - 1]))
    passes = zip(rows.T.astype(np.float32), columns.T.astype(np.float32), strict=True)
    return Blur(level, tuple(passes))


class BlurStack:
    """The blurs of one line of light, at heights that lie dense in focus and wide far from it.

    Attributes
    ----------
    heights_um
        Above the focal plane, rising, (n,); only 0 and above if below looks the same.
    is_symmetric
        Whether below the focus looks as above it.
    is_gaussian
        Whether every blur is a Gaussian, so that any height has an exact one.
    """

    def __init__(
        self, config: SimulatedScopeConfig, excitation_nm: float, emission_nm: float
    ) -> None:
        self._config = config
        self._excitation_nm, self._emission_nm = excitation_nm, emission_nm
        self._objective = Objective.of(config)
        self.is_gaussian = config.psf == "gaussian"
        self.is_symmetric = self.is_gaussian or self._objective.is_symmetric
        self._blurs: dict[float, Blur] = {}

    @cached_property
    def heights_um(self) -> Values:
        """Heights above the focal plane that have a blur of their own, um, rising."""
        objective = self._objective
        step = 1e-3 * self._emission_nm * objective.specimen_index / objective.aperture**2
        step *= STEP_IN_DEPTHS
        up = [0.0, step]
        while up[-1] < FARTHEST_UM:
            up.append(max(up[-1] + step, GROWTH * up[-1]))
        up[-1] = FARTHEST_UM
        heights = np.array(up)
        return heights if self.is_symmetric else np.concatenate([-heights[:0:-1], heights])

    def at(self, height_um: float) -> Blur:
        """Return the blur of a height above the focal plane; each is made once."""
        height_um = abs(height_um) if self.is_symmetric else height_um
        blur = self._blurs.get(height_um)
        if blur is None:
            blur = self._blurs[height_um] = self._make(height_um)
        return blur

    def exactly(self, height_um: float) -> Blur:
        """Return the Gaussian blur of any height; it is not kept."""
        sigma_px = self.width_um(min(abs(height_um), FARTHEST_UM)) / self._config.pixel_um
        level = self._level(sigma_px)
        sigma_px /= 2**level
        profile = cv2.getGaussianKernel(2 * int(np.ceil(4.0 * sigma_px)) + 1, sigma_px)
        row = profile.ravel().astype(np.float32)
        return Blur(level, ((row, row),))

    def width_um(self, height_um: float) -> float:
        """Return the standard deviation of the Gaussian blur at a height, um.

        References
        ----------
        In focus: 0.21 lambda / NA, Zhang, Zerubia & Olivo-Marin, Appl. Opt. 46, 1819 (2007).
        Out of focus the light cone is a disc of radius |z| tan(angle), standard deviation half of
        it. Against the Gibson-Lanni integral: see tests/unit/test_simulated_psf.py.
        """
        focused_um = 0.21 * self._emission_nm * 1e-3 / self._objective.aperture
        return float(np.hypot(focused_um, 0.5 * height_um * self._objective.slope))

    def _level(self, sigma_px: float) -> int:
        return int(np.clip(np.floor(np.log2(max(sigma_px, 1e-9) / COARSE_PX)), 0, COARSEST))

    def _make(self, height_um: float) -> Blur:
        config, objective = self._config, self._objective
        if self.is_gaussian:
            return self.exactly(height_um)
        level = self._level(self.width_um(height_um) / config.pixel_um)
        pixel_um = config.pixel_um * 2**level
        # The cone, and the rings of the focus up to the third dark one (1.62 lambda / NA).
        reach_um = abs(height_um) * objective.slope
        reach_um += 1.62e-3 * self._emission_nm / objective.aperture
        reach = int(np.ceil(reach_um / pixel_um))
        if config.psf == "widefield":
            kernel = widefield_kernel(objective, self._emission_nm, height_um, pixel_um, reach)
            return separated(kernel / kernel.sum(), level)  # light in the rings beyond is not lost
        kernel = self._confocal(height_um, pixel_um, reach)
        share = float(kernel.sum()) / self._in_focus
        return separated(kernel / self._in_focus, level) if share > DARK else Blur(level, ())

    def _confocal(self, height_um: float, pixel_um: float, reach: int) -> Values:
        return confocal_kernel(
            self._objective,
            self._excitation_nm,
            self._emission_nm,
            self._config.pinhole_au,
            height_um,
            pixel_um,
            reach,
        )

    @cached_property
    def _in_focus(self) -> float:
        """What the pinhole lets through of a point in focus, all pixels together."""
        pixel_um = self._config.pixel_um
        reach = int(np.ceil(1.62e-3 * self._emission_nm / self._objective.aperture / pixel_um))
        return float(self._confocal(0.0, pixel_um, reach).sum())
