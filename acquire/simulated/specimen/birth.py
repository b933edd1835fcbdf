"""Where cells come from: the founders of a specimen, and the daughters of a division."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.photophysics.damage import MITOSIS_MIN
from acquire.simulated.specimen import spots
from acquire.simulated.specimen.cells import Phase, cell_dtype
from acquire.simulated.specimen.death import fates
from acquire.simulated.specimen.draws import Process, child_keys, normals, root_keys, uniforms
from acquire.simulated.specimen.shape import ANAPHASE_S, PROPHASE_S

if TYPE_CHECKING:
    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Cells, Column
    from acquire.simulated.specimen.draws import Words

CYCLE_CV = 0.12  # spread of the length of interphase, proposed
MITOSIS_CV = 0.2  # spread of the time in mitosis, proposed
EXPRESSION_CV = 0.25  # spread of the dye between founders, proposed
INHERITED_CV = 0.08  # spread of the dye between sisters, proposed
PLATE_RADII = 0.45  # of a newborn nucleus: distance at which sisters leave the plate; proposed
UNHARMED_MITOSIS_S = MITOSIS_MIN * 60.0


@dataclass(slots=True)
class Nursery:
    """Makes cells, and gives each an identity of its own."""

    config: SimulatedScopeConfig
    next_id: int = 0

    def founders(self, half_um: Column) -> Cells:
        """Return the first cells, at random places and ages.

        In a growing population young cells are more common: ages, in cycles, have the density
        2 ln2 2^-a in 0..1 (Powell, J. Gen. Microbiol. 15, 492 (1956)).
        """
        config = self.config
        keys = root_keys(config.seed, round(config.n_cells * config.field_scale**2))
        cells = self.newborn(keys, 0.0)
        start = uniforms(keys, Process.START)
        mitosis_s = PROPHASE_S + cells["patience"] * UNHARMED_MITOSIS_S
        age_s = -np.log2(1.0 - 0.5 * start[:, 0]) * (ANAPHASE_S + cells["cycle_s"] + mitosis_s)
        _let_live(cells, age_s)
        cells["parent"] = -1
        cells["founder"] = cells["id"]
        cells["expression"] = np.exp(EXPRESSION_CV * normals(keys, Process.EXPRESSION)[:, 0])
        cells["xyz_um"] = (2.0 * start[:, 1:4] - 1.0) * half_um
        return cells

    def daughters(self, mothers: Cells, which: int, born_s: float) -> Cells:
        """Return one daughter (0 or 1) of each mother: half of the dye, beside the plate."""
        daughters = self.newborn(child_keys(mothers["key"], which), born_s)
        for kept in ("founder", "v_um_s", "xyz_um", "bright", "damage", "angle", "pressed"):
            daughters[kept] = mothers[kept]
        daughters["parent"] = mothers["id"]
        daughters["phase"] = Phase.ANAPHASE
        # They leave the plate along its short axis, and are bars parallel to it at first.
        daughters["apart"] = mothers["angle"] + np.pi * (which + 0.5)
        offset_um = PLATE_RADII * self.config.nucleus_um
        daughters["xyz_um"][:, 0] += offset_um * np.cos(daughters["apart"])
        daughters["xyz_um"][:, 1] += offset_um * np.sin(daughters["apart"])
        daughters["gap_um"] = 2.0 * offset_um
        drift = np.exp(INHERITED_CV * normals(daughters["key"], Process.EXPRESSION)[:, 0])
        daughters["expression"] = mothers["expression"] * drift
        return daughters

    def newborn(self, keys: Words, born_s: float) -> Cells:
        """Return cells at the start of their cycle; all that is drawn once in a life is drawn."""
        config = self.config
        n_lines = len(config.all_lines())
        cells = np.zeros(len(keys), cell_dtype(n_lines, config.spots_per_cell))
        cells["key"] = keys
        cells["id"] = self.next_id + np.arange(len(keys))
        self.next_id += len(keys)
        cells["born_s"] = born_s
        normal, uniform = normals(keys, Process.CYCLE), uniforms(keys, Process.LOOK)
        cells["cycle_s"] = self._interphase_s * _scatter(CYCLE_CV, normal[:, 0])
        cells["patience"] = _scatter(MITOSIS_CV, normal[:, 1])
        cells["fate"] = fates(keys)
        cells["stretch"] = 1.05 + 0.45 * uniform[:, 0]
        cells["angle"] = np.pi * uniform[:, 1]
        cells["bright"] = 1.0
        spots.scatter(cells)
        return cells

    @property
    def _interphase_s(self) -> float:
        """Return the mean interphase that makes the whole cycle as long as the config says."""
        mitosis_s = ANAPHASE_S + PROPHASE_S + UNHARMED_MITOSIS_S
        # Interphase and mitosis end on the grid, each half a step late on average.
        late_s = self.config.step_s
        return max(self.config.cycle_h * 3600.0 - mitosis_s - late_s, self.config.step_s)


def _let_live(cells: Cells, age_s: Column) -> None:
    """Bring newborn cells to an age, in place."""
    in_interphase_s = np.maximum(age_s - ANAPHASE_S, 0.0)
    over_s = in_interphase_s - cells["cycle_s"]
    cells["progress"] = np.minimum(in_interphase_s / cells["cycle_s"], 1.0)
    cells["phase"] = np.select(
        [over_s < 0.0, over_s < PROPHASE_S], [Phase.INTERPHASE, Phase.PROPHASE], Phase.METAPHASE
    )
    cells["phase_s"] = np.select(
        [over_s < 0.0, over_s < PROPHASE_S], [in_interphase_s, over_s], over_s - PROPHASE_S
    )
    cells["born_s"] -= age_s


def _scatter(spread: float, normal: Column) -> Column:
    """Return log-normal numbers of mean 1."""
    numbers: Column = np.exp(spread * normal - 0.5 * spread**2)
    return numbers
