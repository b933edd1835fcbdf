"""What light does to a cell: it bleaches the dye and it harms.

Bleaching is first order in each of two populations of fluorophores. Damage is a leaky integrator:
the cell repairs itself, so light given slowly or in pulses harms less than the same light at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.dyes import bleach_dose_j_cm2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.config import SimulatedScopeConfig

FAST_SHARE = 0.25  # of the fluorophores; 20-30 % is commonly seen, proposed
FAST_RATIO = 5.0  # the fast population bleaches so much faster, proposed

UV_NM = 385.0  # line of the dose response below, proposed: the source says "UV"
DECADE_NM = 70.0  # harm falls tenfold for each 70 nm of wavelength, 405 to 640 nm; proposed fit to
# Waldchen et al., Sci. Rep. 5, 15348 (2015): 50 J/cm2 at 405 nm against > 1e5 at 640 nm


def action_weight(wavelength_nm: float) -> float:
    """Return how harmful light is against the same dose of the UV line; 1 there."""
    return float(10.0 ** ((UV_NM - wavelength_nm) / DECADE_NM))


def mitotic_failure(damage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that a mitosis fails after damage in J/cm2 of the UV line.

    References
    ----------
    Fit by us to four points read from the plot of the PhotoFiTT project (CHO cells, UV line,
    0 to 60 J/cm2): 6.1, 18.4, 45.5, 50.8 % at 0, 0.6, 6, 60 J/cm2. A shape, not a statistic.
    """
    power = damage**1.27
    chance: NDArray[np.float64] = 0.061 + 0.450 * power / (1.30**1.27 + power)
    return chance


def mitosis_minutes(damage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean time in mitosis after damage, minutes (same source as `mitotic_failure`)."""
    minutes: NDArray[np.float64] = 17.7 + 32.5 * damage / (0.72 + damage)
    return minutes


def cycle_delay(damage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor by which damage slows the cell cycle, 1 to 2; proposed."""
    return 1.0 + damage / (damage + 1.0)


def motility(damage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor by which damage slows a cell's walk, 1 to 0; proposed."""
    return 1.0 / (1.0 + damage)


@dataclass(frozen=True, slots=True)
class Photophysics:
    """The dye and the cell under one line of light.

    Attributes
    ----------
    bleach_per_j_cm2
        Rate of the slow population at the reference irradiance; its inverse is the dose that
        leaves 1/e, J/cm2.
    bleach_power
        Exponent alpha of the bleaching rate in irradiance; 1 for one photon, 1.0-1.3 is seen.
    recovery_s
        Time in which the cell makes its dye anew, s; proposed.
    damage_weight
        Harm of this light against the same dose of the UV line.
    damage_power
        Exponent beta of harm in irradiance, 1.0-1.5; proposed.
    damage_by_dye
        rho: extra harm by excited fluorophores, for an unbleached cell; proposed.
    repair_s
        Time in which a cell repairs damage, s; 0.5-5 h, proposed.
    reference_w_cm2
        Irradiance at which the rates are as given.
    """

    bleach_per_j_cm2: float
    damage_weight: float
    recovery_s: float
    repair_s: float
    bleach_power: float = 1.0
    damage_power: float = 1.2
    damage_by_dye: float = 0.5
    reference_w_cm2: float = 1.0

    @classmethod
    def of(cls, config: SimulatedScopeConfig) -> Photophysics:
        """Make the photophysics that a config describes."""
        return cls(
            bleach_per_j_cm2=config.bleach_scale / bleach_dose_j_cm2(config.wavelength_nm),
            damage_weight=action_weight(config.wavelength_nm) * config.damage_scale,
            recovery_s=config.recovery_h * 3600.0,
            repair_s=config.repair_h * 3600.0,
            bleach_power=config.bleach_power,
            damage_power=config.damage_power,
        )

    def bleach(
        self, bright: NDArray[np.float64], fluence_j_cm2: NDArray[np.float64], irradiance: float
    ) -> NDArray[np.float64]:
        """Bleach the cells in place and return their mean brightness during the exposure.

        Parameters
        ----------
        bright
            Unbleached share of the slow and the fast population, (n, 2).
        fluence_j_cm2
            Dose of each cell, (n,).
        irradiance
            Mean irradiance of the exposure, W/cm2.

        Returns
        -------
        NDArray
            Unbleached share, mean over the exposure's time and both populations, (n,).
        """
        speed = (irradiance / self.reference_w_cm2) ** (self.bleach_power - 1.0)
        rates = speed * self.bleach_per_j_cm2 * np.array([1.0, FAST_RATIO])
        decays = fluence_j_cm2[:, None] * rates
        # -expm1(-x)/x: mean of exp(-x s) over 0 <= s <= 1.
        means = np.where(decays > 0, -np.expm1(-decays) / np.where(decays > 0, decays, 1.0), 1.0)
        seen = brightness(bright * means)
        bright *= np.exp(-decays)
        return seen

    def harm(
        self,
        damage: NDArray[np.float64],
        seen: NDArray[np.float64],
        fluence_j_cm2: NDArray[np.float64],
        irradiance: float,
    ) -> None:
        """Add the damage of an exposure in place, (n,), J/cm2 of the UV line."""
        speed = (irradiance / self.reference_w_cm2) ** (self.damage_power - 1.0)
        damage += self.damage_weight * speed * fluence_j_cm2 * (1.0 + self.damage_by_dye * seen)

    def rest(
        self, bright: NDArray[np.float64], damage: NDArray[np.float64], passed_s: float
    ) -> None:
        """Let the cells make dye and repair themselves in place for a while without light."""
        bright += (1.0 - bright) * -np.expm1(-passed_s / self.recovery_s)
        damage *= np.exp(-passed_s / self.repair_s)


def brightness(bright: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unbleached share of both populations together, (n,) from (n, 2)."""
    total: NDArray[np.float64] = (1.0 - FAST_SHARE) * bright[:, 0] + FAST_SHARE * bright[:, 1]
    return total
