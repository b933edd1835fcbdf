"""The look of a nucleus through its life: growth, condensation, plate, two daughters, its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.specimen.cells import Phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Cells, Column

# All proposed, in the range of HeLa H2B movies.
PROPHASE_S = 8 * 60.0
ANAPHASE_S = 6 * 60.0  # from the parting of the chromosomes to a new nuclear envelope
GATHER_S = 6 * 60.0  # from prophase chromosomes to the metaphase plate
BAR_S = 4 * 60.0  # a daughter's chromosomes stay a bar for about so long ...
LOOSEN_S = 12 * 60.0  # ... and condensed for about so long
SPREAD_S = 30 * 60.0  # a daughter's body lies down again in about so long
PLATE = (0.85, 0.30, 0.85)  # semi-axes of the plate, relative to the radius before mitosis
BAR = (0.95, 0.36, 0.80)  # semi-axes of a daughter's bar, relative to the radius after birth
ROUNDED = 0.82  # radius at the end of prophase, relative to before
BODY_ROUNDED = 0.72  # radius of a body that has rounded up for mitosis, relative to before
# Apoptosis takes 30-60 min from the first shrinking to the bodies, proposed within that range.
SHRINK_S = 40 * 60.0
SHRUNK = 0.6  # radius of a nucleus before it falls apart, relative to before
BURST_S = 10 * 60.0  # a dead nucleus falls into fragments in about so long ...
STREWN = 1.4  # ... which then lie in so many of its radii
FADE_S = 90 * 60.0  # its dye is lost in about so long
GONE_S = 4 * 3600.0  # after so long it is not there any more


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of all cells at one time.

    Attributes
    ----------
    axes_um
        Long, short and vertical semi-axis of the nucleus, (n, 3) um.
    body_um
        Radius of the cell body among no others, (n,) um.
    condensed, fragmented
        How far the chromatin is condensed and has fallen apart, (n,), 0 to 1.
    fade
        Share of the dye that a dead cell still holds, (n,); 1 in a living one.
    """

    axes_um: NDArray[np.float64]
    body_um: Column
    condensed: Column
    fragmented: Column
    fade: Column


def shape_of(cells: Cells, nucleus_um: float, flatness: float, cell_ratio: float) -> Shape:
    """Return the sizes of cells that follow from their phases.

    Parameters
    ----------
    nucleus_um
        Radius of a nucleus after birth, um.
    flatness
        Vertical semi-axis in interphase relative to the mean horizontal one.
    cell_ratio
        Radius of a body relative to that of its nucleus.
    """
    radius_um = nucleus_um * np.sqrt(1.0 + cells["progress"])
    age_s, is_dead = cells["phase_s"], cells["phase"] == Phase.DEAD
    gone = np.where(is_dead, age_s, 0.0)
    return Shape(
        axes_um=radius_um[:, None] * _axes(cells, flatness),
        body_um=cell_ratio * radius_um * _roundness(cells),
        condensed=condensation(cells),
        fragmented=-np.expm1(-gone / BURST_S),
        fade=np.exp(-gone / FADE_S),
    )


def since_birth_s(cells: Cells) -> Column:
    """Return the age of each cell, (n,) s; infinite where no sister was ever seen to leave."""
    age_s = np.select(
        [cells["phase"] == Phase.ANAPHASE, cells["phase"] == Phase.INTERPHASE],
        [cells["phase_s"], cells["phase_s"] + ANAPHASE_S],
        np.inf,
    )
    is_daughter = (cells["parent"] >= 0) & ~cells["arrested"]
    age: Column = np.where(is_daughter, age_s, np.inf)
    return age


def condensation(cells: Cells) -> Column:
    """Return the condensed share of the chromatin, (n,), 0 to 1."""
    phase, age_s = cells["phase"], cells["phase_s"]
    share: Column = np.select(
        [
            phase == Phase.PROPHASE,
            (phase == Phase.METAPHASE) | (phase == Phase.DEAD),
            phase == Phase.DYING,
        ],
        [np.minimum(age_s / PROPHASE_S, 1.0), np.ones(len(cells)), _shrunk(cells)],
        np.exp(-_since_mitosis_s(cells) / LOOSEN_S),
    )
    return share


def _since_mitosis_s(cells: Cells) -> Column:
    """Return the time since the chromosomes began to loosen, (n,) s; infinite for founders."""
    failed = cells["arrested"] & (cells["phase"] == Phase.INTERPHASE)
    age: Column = np.where(failed, cells["phase_s"], since_birth_s(cells))
    return age


def _shrunk(cells: Cells) -> Column:
    """Return how far the cells that die have shrunk, (n,), 0 to 1."""
    done: Column = np.clip(cells["phase_s"] / SHRINK_S, 0.0, 1.0)
    return done


def _roundness(cells: Cells) -> Column:
    """Return the radius of each cell body relative to a cell that has lain down, (n,)."""
    phase, age_s = cells["phase"], cells["phase_s"]
    lain = 1.0 - (1.0 - BODY_ROUNDED) * np.exp(-_since_mitosis_s(cells) / SPREAD_S)
    radius: Column = np.select(
        [
            phase == Phase.PROPHASE,
            phase == Phase.METAPHASE,
            phase == Phase.DYING,
            phase == Phase.DEAD,
        ],
        [
            1.0 - (1.0 - BODY_ROUNDED) * np.minimum(age_s / PROPHASE_S, 1.0),
            np.full(len(cells), BODY_ROUNDED),
            1.0 - (1.0 - SHRUNK) * _shrunk(cells),
            np.full(len(cells), SHRUNK),
        ],
        lain,
    )
    return radius


def _axes(cells: Cells, flatness: float) -> NDArray[np.float64]:
    """Return the three semi-axes relative to the radius in interphase, (n, 3)."""
    phase, age_s = cells["phase"][:, None], cells["phase_s"][:, None]
    stretch = np.sqrt(cells["stretch"])
    lying = np.stack([stretch, 1.0 / stretch, np.full(len(cells), flatness)], axis=1)
    round_up = 1.0 - (1.0 - ROUNDED) * np.minimum(age_s / PROPHASE_S, 1.0)
    gather = np.minimum(age_s / GATHER_S, 1.0)
    ball = np.full((1, 3), SHRUNK)
    # What mitosis leaves loosens into an ellipse: a bar in a daughter, a plate where it failed.
    left = np.exp(-_since_mitosis_s(cells) / BAR_S)[:, None]
    after = np.where(cells["arrested"][:, None], np.array([PLATE]), np.array([BAR]))
    strewn = 1.0 + (STREWN - 1.0) * -np.expm1(-age_s / BURST_S)
    axes: NDArray[np.float64] = np.select(
        [
            phase == Phase.PROPHASE,
            phase == Phase.METAPHASE,
            phase == Phase.DYING,
            phase == Phase.DEAD,
        ],
        [
            lying * round_up,
            (1.0 - gather) * ROUNDED * lying + gather * np.array([PLATE]),
            lying + (ball - lying) * _shrunk(cells)[:, None],
            ball * strewn,
        ],
        (1.0 - left) * lying + left * after,
    )
    return axes
