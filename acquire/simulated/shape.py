"""The look of a nucleus through its cycle: growth, condensation, plate, two daughters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.cells import Phase

if TYPE_CHECKING:
    from acquire.simulated.cells import Cells, Column

# All proposed, in the range of HeLa H2B movies.
PROPHASE_S = 8 * 60.0
GATHER_S = 6 * 60.0  # from prophase chromosomes to the metaphase plate
BAR_S = 4 * 60.0  # a daughter's chromosomes stay a bar for about so long ...
LOOSEN_S = 12 * 60.0  # ... and condensed for about so long
PLATE = (0.85, 0.30)  # semi-axes of the plate, relative to the radius before mitosis
BAR = (0.95, 0.36)  # semi-axes of a daughter's bar, relative to the radius after birth
ROUNDED = 0.82  # radius at the end of prophase, relative to before


def condensation(cells: Cells) -> Column:
    """Return the condensed share of the chromatin, (n,), 0 to 1."""
    rising = np.minimum(cells["phase_s"] / PROPHASE_S, 1.0)
    falling = np.exp(-cells["phase_s"] / LOOSEN_S)
    share: Column = np.select(
        [cells["phase"] == Phase.PROPHASE, cells["phase"] == Phase.METAPHASE],
        [rising, np.ones(len(cells))],
        falling,
    )
    return share


def semi_axes(cells: Cells, nucleus_um: float) -> tuple[Column, Column]:
    """Return the long and the short semi-axis, (n,) um each.

    Parameters
    ----------
    nucleus_um
        Radius of a nucleus after birth, um.
    """
    radius = nucleus_um * np.sqrt(1.0 + cells["progress"])
    age_s = cells["phase_s"]
    stretch = np.sqrt(cells["stretch"])
    round_up = 1.0 - (1.0 - ROUNDED) * np.minimum(age_s / PROPHASE_S, 1.0)
    gather = np.minimum(age_s / GATHER_S, 1.0)
    bar = np.where(cells["parent"] >= 0, np.exp(-age_s / BAR_S), 0.0)
    bar = np.where(cells["arrested"], 0.0, bar)
    in_prophase, in_metaphase = (
        cells["phase"] == Phase.PROPHASE,
        cells["phase"] == Phase.METAPHASE,
    )
    # Both axes: interphase (a bar that rounds up, then an ellipse), prophase, metaphase.
    long = np.select(
        [in_prophase, in_metaphase],
        [stretch * round_up, (1 - gather) * stretch * ROUNDED + gather * PLATE[0]],
        (1 - bar) * stretch + bar * BAR[0],
    )
    short = np.select(
        [in_prophase, in_metaphase],
        [round_up / stretch, (1 - gather) * ROUNDED / stretch + gather * PLATE[1]],
        (1 - bar) / stretch + bar * BAR[1],
    )
    return radius * long, radius * short
