"""How cells die: of a risk that adds up, slowly, and they leave remains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.photophysics.damage import death_hazard_per_h
from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.draws import Process, uniforms
from acquire.simulated.specimen.shape import GONE_S, SHRINK_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Cells, Column
    from acquire.simulated.specimen.draws import Words


def fates(keys: Words) -> Column:
    """Return the risk at which each cell dies, (n,), drawn once in its life.

    The time of death is that at which the hazard, added up, passes an exponential number: exact for
    any hazard that changes with time. More light only ever brings the same death nearer.

    References
    ----------
    Gillespie, J. Comput. Phys. 22, 403 (1976), for the inversion of a hazard.
    """
    fate: Column = -np.log(uniforms(keys, Process.DEATH)[:, 0])
    return fate


def take_risk(cells: Cells, unharmed_per_h: float, step_s: float) -> NDArray[np.bool_]:
    """Add one step's risk in place and return whose life ends now, (n,).

    A cell that is in mitosis ends it first, well or badly.
    """
    living = cells["phase"] < Phase.DYING
    hazard_per_s = death_hazard_per_h(cells["damage"], unharmed_per_h) / 3600.0
    cells["hazard"] += np.where(living, hazard_per_s * step_s, 0.0)
    ends: NDArray[np.bool_] = (cells["phase"] == Phase.INTERPHASE) & (
        cells["hazard"] >= cells["fate"]
    )
    return ends


def decay(cells: Cells) -> NDArray[np.bool_]:
    """Let dying cells fall apart, in place, and return whose remains are still there, (n,)."""
    falls = (cells["phase"] == Phase.DYING) & (cells["phase_s"] >= SHRINK_S)
    cells["phase"][falls] = Phase.DEAD
    cells["phase_s"][falls] = 0.0
    there: NDArray[np.bool_] = (cells["phase"] != Phase.DEAD) | (cells["phase_s"] < GONE_S)
    return there
