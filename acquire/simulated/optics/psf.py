"""The image of a point: the scalar diffraction integral of Gibson and Lanni, and its confocal kin.

What it is not: vectorial. At an NA of 1.4 polarisation makes the true focus some per cent wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import j0, roots_legendre

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

    Values = NDArray[np.float64]

NODES = 400  # of the quadrature over the pupil: error < 1e-6 up to 60 um out of focus
GRAZING = 0.999  # of the largest aperture that an index lets through


@dataclass(frozen=True, slots=True)
class Objective:
    """What bends the light.

    Attributes
    ----------
    numerical_aperture
        As engraved; indices below it let less through.
    immersion_index, specimen_index
        Refractive indices before and behind the coverslip, which is as the design wants it.
    depth_um
        Height of the cells above the coverslip, um.
    """

    numerical_aperture: float
    immersion_index: float = 1.33
    specimen_index: float = 1.33
    depth_um: float = 0.0

    @classmethod
    def of(cls, config: SimulatedScopeConfig) -> Objective:
        """Make the objective that a config describes."""
        return cls(
            config.numerical_aperture,
            config.immersion_index,
            config.specimen_index,
            config.above_coverslip_um,
        )

    @property
    def aperture(self) -> float:
        """The numerical aperture that really takes part."""
        index = GRAZING * min(self.immersion_index, self.specimen_index)
        return min(self.numerical_aperture, index)

    @property
    def slope(self) -> float:
        """Tangent of the half-angle of the cone of light in the specimen."""
        sine = self.aperture / self.specimen_index
        return float(sine / np.sqrt(1.0 - sine**2))

    @property
    def is_symmetric(self) -> bool:
        """Whether above the focus looks as below it: no spherical aberration."""
        return self.depth_um == 0.0 or self.immersion_index == self.specimen_index


def gibson_lanni(objective: Objective, wavelength_nm: float, r_um: Values, z_um: Values) -> Values:
    """Return the light of a point, (len(z), len(r)), 1/um2: integrated over any plane it is 1.

    Parameters
    ----------
    r_um
        Distance from the axis, um.
    z_um
        Height of the point above the focal plane, um.

    References
    ----------
    Gibson & Lanni, J. Opt. Soc. Am. A 9, 154 (1992), with a coverslip as designed; in the form of
    Li, Xue & Blu, J. Opt. Soc. Am. A 34, 1029 (2017), eq. 1-3. The objective is moved until its
    paraxial focus is at `depth_um`.
    """
    aperture, k = objective.aperture, 2e3 * np.pi / wavelength_nm
    nodes, weights = _quadrature()
    sine = 0.5 * (nodes + 1.0) * aperture  # NA of a ring of the pupil
    weights = 0.5 * aperture * weights * sine
    in_specimen = np.sqrt(objective.specimen_index**2 - sine**2)
    in_immersion = np.sqrt(objective.immersion_index**2 - sine**2)
    refocus = objective.immersion_index / objective.specimen_index
    path_um = (objective.depth_um + z_um[:, None]) * in_specimen
    path_um = path_um - objective.depth_um * refocus * in_immersion
    amplitude = (weights * np.exp(1j * k * path_um)) @ j0(k * np.outer(sine, r_um))
    # Parseval: the integral over the plane is (2 pi / k^2) times that of the pupil, aperture^2 / 2.
    light: Values = np.abs(amplitude) ** 2 * (k**2 / (np.pi * aperture**2))
    return light


@cache
def _quadrature() -> tuple[Values, Values]:
    """Return nodes in -1..1 and weights; numpy, by a dense matrix, needs 40 times as long."""
    nodes, weights = roots_legendre(NODES)
    return nodes, weights


def widefield_kernel(
    objective: Objective, wavelength_nm: float, z_um: float, pixel_um: float, radius_px: int
) -> Values:
    """Return the share of a point's light in each pixel around it, (2 radius + 1) squared.

    The sum is the share that falls within the kernel.
    """
    fine = _fineness(objective, wavelength_nm, pixel_um)
    image = _fine_image(objective, wavelength_nm, z_um, pixel_um / fine, radius_px * fine, fine)
    return _to_pixels(image, fine)


def confocal_kernel(
    objective: Objective,
    excitation_nm: float,
    emission_nm: float,
    pinhole_au: float,
    z_um: float,
    pixel_um: float,
    radius_px: int,
) -> Values:
    """Return what a scanned spot and a pinhole make of a point, (2 radius + 1) squared.

    The spot's light times the share that the pinhole lets through; in units of the spot's light in
    focus, so that planes can be compared (`Blur` scales them).

    References
    ----------
    Sheppard & Wilson, Opt. Lett. 3, 115 (1978): h = h_exc x (h_em * pinhole).
    """
    from scipy.signal import fftconvolve  # here: slow to import, and few microscopes scan a spot

    fine = _fineness(objective, min(excitation_nm, emission_nm), pixel_um)
    step_um, half = pixel_um / fine, radius_px * fine
    hole_um = 0.5 * pinhole_au * 1.22 * emission_nm * 1e-3 / objective.aperture
    reach = int(np.ceil(hole_um / step_um)) + 1
    span = np.arange(-reach, reach + 1) * step_um
    distance = np.hypot(span[:, None], span[None, :])
    hole = np.clip((hole_um - distance) / step_um + 0.5, 0.0, 1.0) * step_um**2
    spot = _fine_image(objective, excitation_nm, z_um, step_um, half, fine)
    seen = _fine_image(objective, emission_nm, z_um, step_um, half + reach, fine)
    through = np.clip(fftconvolve(seen, hole, mode="same"), 0.0, None)[reach:-reach, reach:-reach]
    return _to_pixels(spot * through / step_um**2, fine)


def _fineness(objective: Objective, wavelength_nm: float, pixel_um: float) -> int:
    """Return into how many parts a pixel is cut: an odd number, well below the Nyquist distance."""
    nyquist_um = 0.25e-3 * wavelength_nm / objective.aperture
    return 2 * int(np.ceil(pixel_um / nyquist_um)) + 1


def _fine_image(
    objective: Objective, wavelength_nm: float, z_um: float, step_um: float, half: int, fine: int
) -> Values:
    """Return the light on a fine grid as shares per grid point, up to whole pixels on each side."""
    side = half + fine // 2
    span = np.arange(-side, side + 1) * step_um
    r_um = np.hypot(span[:, None], span[None, :])
    radii = np.arange(0.0, r_um.max() + 2.0 * step_um, 0.5 * step_um)
    light = gibson_lanni(objective, wavelength_nm, radii, np.array([z_um]))[0]
    image: Values = np.interp(r_um, radii, light) * step_um**2
    return image


def _to_pixels(image: Values, fine: int) -> Values:
    side = image.shape[0] // fine
    sums: Values = image[: side * fine, : side * fine].reshape(side, fine, side, fine).sum((1, 3))
    return sums
