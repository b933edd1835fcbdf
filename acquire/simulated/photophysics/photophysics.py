"""What a line of light does to its dye and to the cell: it excites, it bleaches, it harms.

Bleaching is first order in each of two populations of fluorophores. Damage is a leaky integrator:
the cell repairs itself, so light given slowly or in pulses harms less than the same light at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.photophysics.damage import UV_W_CM2, action_weight
from acquire.simulated.photophysics.dyes import excitation_rate_hz, saturation_w_cm2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from acquire.simulated.config import LineConfig, SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Column

FAST_SHARE = 0.25  # of the fluorophores; 20-30 % is commonly seen, proposed
FAST_RATIO = 5.0  # the fast population bleaches so much faster, proposed


@dataclass(frozen=True, slots=True)
class Photophysics:
    """The dye and the cell under one line of light.

    Attributes
    ----------
    bleach_per_j_cm2
        Rate of the slow population in weak light at the reference irradiance; its inverse is the
        dose that leaves 1/e, J/cm2.
    damage_weight
        Harm of this light against the same dose of the UV line.
    recovery_s
        Time in which the cell makes its dye anew, s; proposed.
    repair_s
        Time in which a cell repairs damage, s; 0.5-5 h, proposed.
    bleach_power
        Exponent alpha of the bleaching rate in irradiance; 1 for one photon, 1.0-1.3 is seen.
    damage_power
        Exponent beta of harm in irradiance, 1.0-1.5; proposed. Above 1, since the same dose harms
        less if it is given longer and weaker (Mubaid & Brown, Microscopy Today, 2017).
    damage_by_dye
        rho: extra harm by excited fluorophores, for an unbleached cell; proposed.
    saturation_w_cm2
        Irradiance at which the dye is excited half as often as weak light tells.
    reference_w_cm2
        Irradiance at which the bleaching rate is as given: that of the half-life in `dyes`, 1000
        photons/s at a yield of 0.6.
    damage_reference_w_cm2
        Irradiance at which harm is as given: that of the dose response in `damage`.
    """

    bleach_per_j_cm2: float
    damage_weight: float
    recovery_s: float
    repair_s: float
    bleach_power: float = 1.0
    damage_power: float = 1.1
    damage_by_dye: float = 0.2
    saturation_w_cm2: float = np.inf
    reference_w_cm2: float = 3.2
    damage_reference_w_cm2: float = UV_W_CM2

    @classmethod
    def of(cls, config: SimulatedScopeConfig, line: LineConfig | None = None) -> Photophysics:
        """Make the photophysics that a config describes for a line, else for its first."""
        line = line or config.all_lines()[0]
        d50_times, bleach_times = config.assumed()
        excitations_per_j = excitation_rate_hz(1.0, line.wavelength_nm, line.extinction)
        bleaching = config.bleach_scale * bleach_times * line.bleach_yield
        return cls(
            bleach_per_j_cm2=bleaching * excitations_per_j,
            damage_weight=action_weight(line.wavelength_nm) * config.damage_scale / d50_times,
            recovery_s=config.recovery_h * 3600.0,
            repair_s=config.repair_h * 3600.0,
            bleach_power=config.bleach_power,
            damage_power=config.damage_power,
            damage_by_dye=config.damage_by_dye,
            saturation_w_cm2=saturation_w_cm2(
                line.wavelength_nm, line.extinction, line.lifetime_ns
            ),
        )

    def excited(self, irradiance: ArrayLike) -> Column:
        """Return how often a dye is excited against what weak light would tell, 1 to 0."""
        share: Column = 1.0 / (1.0 + np.asarray(irradiance, float) / self.saturation_w_cm2)
        return share

    def bleach_rate_per_j_cm2(self, irradiance: ArrayLike) -> Column:
        """Return the bleaching rate of the slow population at an irradiance, per J/cm2."""
        relative = np.asarray(irradiance, float) / self.reference_w_cm2
        rate: Column = self.bleach_per_j_cm2 * relative ** (self.bleach_power - 1.0)
        return rate * self.excited(irradiance)

    def bleach(self, bright: Column, fluence_j_cm2: Column, irradiance: ArrayLike) -> Column:
        """Bleach the cells in place and return their mean brightness during the exposure.

        Parameters
        ----------
        bright
            Unbleached share of the slow and the fast population, (n, 2).
        fluence_j_cm2
            Dose of each cell, (n,).
        irradiance
            Mean irradiance of the exposure, of all cells or of each, W/cm2.

        Returns
        -------
        Column
            How brightly the dye shone against fresh dye in weak light: the unbleached share, mean
            over the exposure's time and both populations, less what saturation takes, (n,).
        """
        slow = fluence_j_cm2 * self.bleach_rate_per_j_cm2(irradiance)
        decays = slow[:, None] * np.array([1.0, FAST_RATIO])
        # -expm1(-x)/x: mean of exp(-x s) over 0 <= s <= 1.
        means = np.where(decays > 0, -np.expm1(-decays) / np.where(decays > 0, decays, 1.0), 1.0)
        seen = self.excited(irradiance) * brightness(bright * means)
        bright *= np.exp(-decays)
        return seen

    def harm(
        self,
        damage: Column,
        seen: Column,
        fluence_j_cm2: Column,
        irradiance: ArrayLike,
    ) -> None:
        """Add the damage of an exposure in place, (n,), J/cm2 of the UV line.

        Parameters
        ----------
        seen
            What `bleach` returned: dye that shines makes more harm of the light, (n,).
        """
        relative = np.asarray(irradiance, float) / self.damage_reference_w_cm2
        nonlinear = relative ** (self.damage_power - 1.0)
        damage += self.damage_weight * nonlinear * fluence_j_cm2 * (1.0 + self.damage_by_dye * seen)

    def rest(self, bright: Column, damage: Column, passed_s: float) -> None:
        """Let the cells make dye and repair themselves in place for a while without light.

        Parameters
        ----------
        bright
            As for `bleach`; the dyes of several lines may come in one array, (n, ..., 2).
        """
        bright += (1.0 - bright) * -np.expm1(-passed_s / self.recovery_s)
        damage *= np.exp(-passed_s / self.repair_s)


def brightness(bright: Column) -> Column:
    """Return the unbleached share of both populations together, (n, ...) from (n, ..., 2)."""
    total: Column = (1.0 - FAST_SHARE) * bright[..., 0] + FAST_SHARE * bright[..., 1]
    return total
