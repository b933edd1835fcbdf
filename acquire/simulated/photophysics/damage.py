"""What light harms: an action spectrum, a threshold, and what a harmed cell does.

Damage is counted in J/cm2 of the UV line, given at once: 6 is what 6 J/cm2 of UV light do. The
four published points of the dose response fix the shape at the UV line. Nothing public fixes it in
visible light: there the action spectrum carries it over, and that is `proposed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Column

UV_NM = 385.0  # line of the dose response below, proposed: the source says "UV"
# Its irradiance, proposed: the source names exposures of 100 ms, 1 s and 10 s, which make 0.6, 6
# and 60 J/cm2 if they stand for these doses.
UV_W_CM2 = 6.0
# Harm falls tenfold for each 60 nm, 405 to 640 nm; proposed, so that 50 J/cm2 at 405 nm harm more
# than 1e5 J/cm2 at 640 nm and 1 kW/cm2, as in Waldchen et al., Sci. Rep. 5, 15348 (2015).
DECADE_NM = 60.0

# Damage that a cell carries without harm, J/cm2 of the UV line; proposed, so that light below the
# intensities that leave the force of fibroblasts alone however long they shine never harms: 0.35,
# 3.1 and 5.7 mW/cm2 at 455-490, 545-580 and 635-650 nm (Extreme Mech. Lett., article 101249).
THRESHOLD_J_CM2 = 0.04

# Fit by us to four points read from a plot of the PhotoFiTT project (CHO cells, UV line; notebook
# Analyse_unsynchronised_cells in github.com/HenriquesLab/PhotoFiTT): failed / all mitoses 38/628,
# 45/245, 75/165, 98/193 and 17.5, 33, 45, 51 min at 0, 0.6, 6, 60 J/cm2. Four points, four
# parameters: a shape, not a statistic.
FAILS_UNHARMED = 0.061
FAILS_BY_HARM = 0.451
FAILS_J_CM2 = 1.24
FAILS_POWER = 1.23
MITOSIS_MIN = 17.7
MITOSIS_MORE_MIN = 32.4
MITOSIS_J_CM2 = 0.67

# Proposed, so that half of the cells die within a day of 50 J/cm2 at 405 nm, given in 4 min: the
# most that cells stand at that line after Waldchen et al. Cells suffer long before they die, so
# this needs more light than a spoilt mitosis; and steep, so that light in pulses with pauses kills
# fewer of them (Penjweini et al., J. Photochem. Photobiol. B 120, 120 (2013)).
DEATH_PER_H = 1.5
DEATH_J_CM2 = 16.0
DEATH_POWER = 3.0

SLOW_J_CM2 = 1.0  # damage that halves the walk and delays the cycle by half, proposed


def action_weight(wavelength_nm: float) -> float:
    """Return how harmful light is against the same dose of the UV line; 1 there."""
    return float(10.0 ** ((UV_NM - wavelength_nm) / DECADE_NM))


def felt(damage: Column) -> Column:
    """Return the damage above the threshold, which is all that a cell feels."""
    above: Column = np.maximum(damage - THRESHOLD_J_CM2, 0.0)
    return above


def mitotic_failure(damage: Column) -> Column:
    """Return the chance that a mitosis fails, 0 to 1."""
    return FAILS_UNHARMED + FAILS_BY_HARM * _hill(felt(damage), FAILS_J_CM2, FAILS_POWER)


def mitosis_minutes(damage: Column) -> Column:
    """Return the mean time in mitosis, minutes."""
    return MITOSIS_MIN + MITOSIS_MORE_MIN * _hill(felt(damage), MITOSIS_J_CM2, 1.0)


def death_hazard_per_h(damage: Column, unharmed_per_h: float = 0.0) -> Column:
    """Return the chance per hour that a cell begins to die: h0 + h1 D^n / (D50^n + D^n).

    Parameters
    ----------
    unharmed_per_h
        h0: deaths without light, per hour.
    """
    return unharmed_per_h + DEATH_PER_H * _hill(felt(damage), DEATH_J_CM2, DEATH_POWER)


def cycle_delay(damage: Column) -> Column:
    """Return the factor by which damage slows the cell cycle, 1 to 2; proposed."""
    return 1.0 + _hill(felt(damage), SLOW_J_CM2, 1.0)


def motility(damage: Column) -> Column:
    """Return the factor by which damage slows a cell's walk, 1 to 0; proposed."""
    return 1.0 - _hill(felt(damage), SLOW_J_CM2, 1.0)


def _hill(dose: Column, half: float, power: float) -> NDArray[np.float64]:
    """Return dose^n / (half^n + dose^n), 0 to 1, also for doses of any size."""
    ratio = np.minimum(dose / half, 1e30) ** power
    share: NDArray[np.float64] = ratio / (1.0 + ratio)
    return share
