"""A live field of cells that walk, grow, divide, bleach and suffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated import motion, photophysics
from acquire.simulated.cells import CELL, Nuclei, Phase, Spots
from acquire.simulated.draws import Process, child_keys, normals, root_keys, uniforms
from acquire.simulated.photophysics import Photophysics, brightness
from acquire.simulated.shape import PROPHASE_S, condensation, semi_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.cells import Cells, Column
    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.draws import Words

STEP_S = 60.0  # grid of the biology; between its times positions are interpolated
MAX_CELLS = 4096  # beyond it no cell enters mitosis, so that memory is bounded
CYCLE_CV = 0.12  # spread of the cycle's length, proposed
EXPRESSION_CV = 0.25  # spread of the dye between cells, proposed
MITOSIS_MIN = 26.0  # prophase and an unharmed mitosis, part of the cycle


class Specimen:
    """The truth under the objective.

    Time goes forward on a fixed grid, so a specimen does not depend on when it is looked at. Light
    changes a cell from the next grid time on. Stage coordinates, um; the origin is the centre.

    Attributes
    ----------
    t_s
        Experiment time that it has reached, s.

    Parameters
    ----------
    lit
        False makes the unlit twin: light changes nothing in it.
    """

    def __init__(self, config: SimulatedScopeConfig, *, lit: bool = True) -> None:
        self._config = config
        self._lit = lit
        self._physics = Photophysics.of(config)
        self._half_um = (
            0.5 * config.height * config.pixel_um * config.field_scale,
            0.5 * config.width * config.pixel_um * config.field_scale,
        )
        self._memory = float(np.exp(-STEP_S / (config.persistence_min * 60.0)))
        self._step = 0
        self._next_id = 0
        self.t_s = 0.0
        self._cells = self._found()
        self._go_one_step()

    def advance_to(self, t_s: float) -> None:
        """Live until an experiment time; a time in the past changes nothing."""
        while t_s >= self._step * STEP_S:
            self._fulfil_fates()
            self._go_one_step()
        self.t_s = max(self.t_s, t_s)

    def truth(self) -> Nuclei:
        """Return all nuclei as they are now."""
        cells = self._cells
        along = self.t_s / STEP_S - (self._step - 1)
        long_um, short_um = semi_axes(cells, self._config.nucleus_um)
        return Nuclei(
            ids=cells["id"].copy(),
            parents=cells["parent"].copy(),
            keys=cells["key"].copy(),
            x_um=cells["x0_um"] + along * (cells["x_um"] - cells["x0_um"]),
            y_um=cells["y0_um"] + along * (cells["y_um"] - cells["y0_um"]),
            long_um=long_um,
            short_um=short_um,
            angle=cells["angle"].copy(),
            dye=cells["expression"] * (1.0 + cells["progress"]) * brightness(cells["bright"]),
            condensed=condensation(cells),
            phase=cells["phase"].copy(),
            born_s=cells["born_s"].copy(),
            damage=cells["damage"].copy(),
        )

    def spots(self) -> Spots:
        """Return all sub-resolution spots as they are now; none unless the config has some."""
        none = np.empty(0)
        return Spots(np.empty(0, np.int64), none, none, none, none)

    def dye(self, line: int = 0) -> Column:
        """Return the unbleached dye of one line in each cell of `truth()`, (n,)."""
        cells = self._cells
        made: Column = cells["expression"] * (1.0 + cells["progress"])
        return made * brightness(cells["bright"])

    def take_light(self, fluence_j_cm2: Column, irradiance_w_cm2: float, line: int = 0) -> Column:
        """Bleach and harm the cells by one line of light; a specimen that is not lit only shines.

        Parameters
        ----------
        fluence_j_cm2
            Dose of each nucleus of `truth()`, (n,) J/cm2.
        irradiance_w_cm2
            Mean irradiance of the exposure, W/cm2.
        line
            Place of the line in `config.all_lines()`.

        Returns
        -------
        Column
            Dye that shone, mean over the exposure, in the unit of `Nuclei.dye`, (n,).
        """
        cells = self._cells
        if not self._lit:
            return self.dye(line)
        bright = cells["bright"]
        seen = self._physics.bleach(bright, fluence_j_cm2, irradiance_w_cm2)
        damage = cells["damage"]
        self._physics.harm(damage, seen, fluence_j_cm2, irradiance_w_cm2)
        shone: Column = cells["expression"] * (1.0 + cells["progress"]) * seen
        return shone

    def _found(self) -> Cells:
        """Return the founders, in no order of age and not in each other's way."""
        config = self._config
        n = round(config.n_cells * config.field_scale**2)
        keys = root_keys(config.seed, n)
        cells = self._newborn(keys)
        start = uniforms(keys, Process.START)
        # A growing population has more young cells: ages have density 2 ln2 2^-a in 0..1
        # (Powell, J. Gen. Microbiol. 15, 492 (1956)).
        cells["progress"] = -np.log2(1.0 - 0.5 * start[:, 0])
        cells["phase_s"] = cells["progress"] * cells["cycle_s"]
        cells["born_s"] = -cells["phase_s"]
        cells["parent"] = -1
        cells["expression"] = np.exp(EXPRESSION_CV * normals(keys, Process.EXPRESSION)[:, 0])
        xy_um = (2.0 * start[:, 1:3] - 1.0) * np.array(self._half_um[::-1])
        motion.keep_apart(xy_um, self._room(cells), rounds=50)
        cells["x_um"], cells["y_um"] = xy_um[:, 0], xy_um[:, 1]
        velocity = normals(keys, Process.START, 1) * self._speed_um_s / np.sqrt(2.0)
        cells["vx_um_s"], cells["vy_um_s"] = velocity[:, 0], velocity[:, 1]
        return cells

    @property
    def _speed_um_s(self) -> float:
        return self._config.speed_um_h / 3600.0

    def _newborn(self, keys: Words) -> Cells:
        cells = np.zeros(len(keys), CELL)
        cells["key"] = keys
        cells["id"] = self._next_id + np.arange(len(keys))
        self._next_id += len(keys)
        cells["born_s"] = self._step * STEP_S
        normal, uniform = normals(keys, Process.CYCLE), uniforms(keys, Process.LOOK)
        interphase_s = max(self._config.cycle_h * 3600.0 - MITOSIS_MIN * 60.0, STEP_S)
        cells["cycle_s"] = interphase_s * np.exp(CYCLE_CV * normal[:, 0])
        cells["stretch"] = 1.05 + 0.45 * uniform[:, 0]
        cells["angle"] = np.pi * uniform[:, 1]
        cells["bright"] = 1.0
        return cells

    def _room(self, cells: Cells) -> Column:
        """Return the radius in which each cell wants no neighbour, um."""
        long_um, short_um = semi_axes(cells, self._config.nucleus_um)
        room: Column = 1.1 * np.sqrt(long_um * short_um)
        return room

    def _go_one_step(self) -> None:
        """Let the cells as they are now live to the next grid time."""
        cells, config = self._cells, self._config
        cells["x0_um"], cells["y0_um"] = cells["x_um"], cells["y_um"]
        noise = normals(cells["key"], Process.MOTION, self._step)
        in_mitosis = np.where(cells["phase"] == Phase.METAPHASE, 0.2, 1.0)
        slow = photophysics.motility(cells["damage"]) * in_mitosis
        motion.walk(cells, noise, self._speed_um_s, self._memory)
        motion.advance(cells, slow, config.nucleus_um, STEP_S)
        motion.turn(cells, noise, STEP_S)
        xy_um = np.stack([cells["x_um"], cells["y_um"]], axis=1)
        motion.keep_apart(xy_um, self._room(cells))
        cells["x_um"], cells["y_um"] = xy_um[:, 0], xy_um[:, 1]
        motion.keep_inside(cells, *self._half_um)
        self._step += 1

    def _fulfil_fates(self) -> None:
        """Bring the cells' inner state to the grid time that their positions have reached."""
        cells = self._cells
        cells["phase_s"] += STEP_S
        resting = (cells["phase"] == Phase.INTERPHASE) & ~cells["arrested"]
        pace = STEP_S / (cells["cycle_s"] * photophysics.cycle_delay(cells["damage"]))
        cells["progress"] = np.minimum(cells["progress"] + np.where(resting, pace, 0.0), 1.0)
        bright, damage = cells["bright"], cells["damage"]
        self._physics.rest(bright, damage, STEP_S)
        self._end_mitoses()
        cells = self._cells
        condensed = (cells["phase"] == Phase.PROPHASE) & (cells["phase_s"] >= PROPHASE_S)
        _enter(cells, condensed, Phase.METAPHASE)
        ripe = (cells["phase"] == Phase.INTERPHASE) & (cells["progress"] >= 1.0)
        if len(cells) < MAX_CELLS:
            _enter(cells, ripe & ~cells["arrested"], Phase.PROPHASE)

    def _end_mitoses(self) -> None:
        """Divide the cells whose time in mitosis is over, or let their mitosis fail."""
        cells = self._cells
        wanted_s = 60.0 * photophysics.mitosis_minutes(cells["damage"])
        over = (cells["phase"] == Phase.METAPHASE) & (cells["phase_s"] >= wanted_s)
        if not over.any():
            return
        luck = uniforms(cells["key"], Process.FATE)[:, 0]
        fails = over & (luck < photophysics.mitotic_failure(cells["damage"]))
        divides = over & ~fails
        _enter(cells, fails, Phase.INTERPHASE)
        cells["arrested"] |= fails
        daughters = [self._daughters(cells[divides], which) for which in (0, 1)]
        self._cells = np.concatenate([cells[~divides], *daughters])

    def _daughters(self, mothers: Cells, which: int) -> Cells:
        """Return one daughter of each mother: half of the dye, beside the plate."""
        daughters = self._newborn(child_keys(mothers["key"], which))
        for kept in ("vx_um_s", "vy_um_s", "bright", "damage", "angle"):
            daughters[kept] = mothers[kept]
        daughters["parent"] = mothers["id"]
        # They leave the plate along its short axis, and are bars parallel to it at first.
        daughters["apart"] = mothers["angle"] + np.pi * (which + 0.5)
        offset_um = 0.45 * self._config.nucleus_um
        daughters["x_um"] = mothers["x_um"] + offset_um * np.cos(daughters["apart"])
        daughters["y_um"] = mothers["y_um"] + offset_um * np.sin(daughters["apart"])
        drift = np.exp(0.08 * normals(daughters["key"], Process.EXPRESSION)[:, 0])
        daughters["expression"] = mothers["expression"] * drift
        return daughters


def _enter(cells: Cells, who: NDArray[np.bool_], phase: Phase) -> None:
    cells["phase"][who] = phase
    cells["phase_s"][who] = 0.0
