"""A live field of cells that walk, grow, divide, bleach, suffer and die."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.photophysics import damage
from acquire.simulated.photophysics.photophysics import Photophysics, brightness
from acquire.simulated.specimen import calcium, motion
from acquire.simulated.specimen.birth import Nursery
from acquire.simulated.specimen.cells import Nuclei, Phase
from acquire.simulated.specimen.contact import LOOKS, Bodies, keep_apart, nearest_um
from acquire.simulated.specimen.cycle import live_one_step
from acquire.simulated.specimen.events import MAX_EVENTS, Census, Event
from acquire.simulated.specimen.shape import Shape, shape_of, since_birth_s
from acquire.simulated.specimen.spots import spots_of, wander

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from acquire.simulated.config import SimulatedScopeConfig
    from acquire.simulated.specimen.cells import Column, Spots

LONGEST = 1.75  # no horizontal semi-axis is longer, in radii of a newborn nucleus: sqrt(2 x 1.5)


class Specimen:
    """The truth under the objective.

    Time goes forward on a fixed grid, so a specimen does not depend on when it is looked at. Light
    changes a cell from the next grid time on. Stage coordinates, um; the origin is the centre.

    What is independent: every random number of a cell follows from the seed, its lineage and what
    it is for. No other cell's light, division or death changes it. Where light does no damage, the
    same seed gives the same lives under any light, to the last bit; where it does, two runs differ
    by nothing but the damage.

    What is not: cells that touch push each other (see `contact`), so a harmed cell can move its
    neighbours, and a crowded one waits with its growth until it has room. If ever `cycle.MAX_CELLS`
    live, no further cell divides anywhere.

    Parameters
    ----------
    lit
        False makes the unlit twin: light changes nothing in it.

    Attributes
    ----------
    t_s
        Experiment time that it has reached, s.
    events
        Divisions, failed mitoses and deaths so far, the last `MAX_EVENTS` of them.
    """

    def __init__(self, config: SimulatedScopeConfig, *, lit: bool = True) -> None:
        self._config = config
        self._lit = lit
        self._lines = config.all_lines()
        self._physics = [Photophysics.of(config, line) for line in self._lines]
        side_um = config.pixel_um * config.field_scale
        self._half_um = 0.5 * np.array(
            [config.width * side_um, config.height * side_um, config.specimen_depth_um]
        )
        self._walk = motion.Walk.of(
            config.speed_um_h / 3600.0,
            config.persistence_min * 60.0,
            config.step_s,
            dimensions=3 if config.specimen_depth_um > 0 else 2,
        )
        self._nursery = Nursery(config)
        self._step = 0
        self.t_s = 0.0
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._cells = self._nursery.founders(self._half_um)
        self._shape = self._shape_now()
        self._walk.start(self._cells)
        self._make_room(looks=50)
        self._cells["gap_um"] = self._gaps_um()
        self._go_one_step()

    def advance_to(self, t_s: float) -> None:
        """Live until an experiment time; a time in the past changes nothing."""
        while t_s >= self._step * self._config.step_s:
            now_s = self._step * self._config.step_s
            self._cells = live_one_step(self._cells, self._nursery, now_s, self.events)
            self._go_one_step()
        self.t_s = max(self.t_s, t_s)

    def truth(self) -> Nuclei:
        """Return all nuclei as they are now."""
        cells = self._cells
        along = self._along
        shape = self._shape
        place_um = cells["xyz0_um"] + along * (cells["xyz_um"] - cells["xyz0_um"])
        gap_um = cells["gap0_um"] + along * (cells["gap_um"] - cells["gap0_um"])
        smallest_um = 1.05 * np.sqrt(shape.axes_um[:, 0] * shape.axes_um[:, 1])
        active = self._activity()
        return Nuclei(
            ids=cells["id"].copy(),
            parents=cells["parent"].copy(),
            keys=cells["key"].copy(),
            x_um=place_um[:, 0].copy(),
            y_um=place_um[:, 1].copy(),
            z_um=place_um[:, 2].copy(),
            long_um=shape.axes_um[:, 0].copy(),
            short_um=shape.axes_um[:, 1].copy(),
            depth_um=shape.axes_um[:, 2].copy(),
            cyto_um=np.maximum(np.minimum(shape.body_um, 0.5 * gap_um), smallest_um),
            angle=cells["angle"].copy(),
            dye=self._made() * active * brightness(cells["bright"][:, 0]),
            condensed=shape.condensed.copy(),
            fragmented=shape.fragmented.copy(),
            activity=active,
            phase=cells["phase"].copy(),
            born_s=cells["born_s"].copy(),
            damage=cells["damage"].copy(),
        )

    def census(self) -> Census:
        """Return who lives of whose descent, and how far it walked; rows as in `truth()`."""
        cells = self._cells
        return Census(
            founders=cells["founder"].copy(),
            alive=cells["phase"] < Phase.DYING,
            path_um=cells["path_um"].copy(),
            walked_s=cells["walked_s"].copy(),
        )

    def spots(self, line: int | None = None) -> Spots:
        """Return all sub-resolution spots as they are now, cell after cell.

        Parameters
        ----------
        line
            Whose dye they hold; None: the first line that stains spots, else the first of all.
        """
        if line is None:
            stained = [i for i, each in enumerate(self._lines) if each.structure == "spots"]
            line = stained[0] if stained else 0
        return spots_of(self._cells, self.truth(), self._along, self.dye(line))

    def dye(self, line: int = 0) -> Column:
        """Return the unbleached dye of one line in each cell of `truth()`, (n,)."""
        return self._shines(line) * brightness(self._cells["bright"][:, line])

    def take_light(
        self, fluence_j_cm2: Column, irradiance_w_cm2: ArrayLike, line: int = 0
    ) -> Column:
        """Bleach and harm the cells by one line of light; a specimen that is not lit only shines.

        Parameters
        ----------
        fluence_j_cm2
            Dose of each nucleus of `truth()`, (n,) J/cm2.
        irradiance_w_cm2
            Mean irradiance of the exposure, of all nuclei or of each, W/cm2.
        line
            Place of the line in `config.all_lines()`.

        Returns
        -------
        Column
            Dye that shone, mean over the exposure, in the unit of `Nuclei.dye`, (n,).
        """
        if not self._lit:
            return self.dye(line)
        cells, physics = self._cells, self._physics[line]
        bright = cells["bright"][:, line]
        seen = physics.bleach(bright, fluence_j_cm2, irradiance_w_cm2)
        physics.harm(cells["damage"], seen, fluence_j_cm2, irradiance_w_cm2)
        return self._shines(line) * seen

    @property
    def _along(self) -> float:
        """Return the time since the last grid time over the step, 0 to 1."""
        return self.t_s / self._config.step_s - (self._step - 1)

    def _shape_now(self) -> Shape:
        config = self._config
        return shape_of(self._cells, config.nucleus_um, config.nucleus_flatness, config.cell_ratio)

    def _made(self) -> Column:
        """Return all dye that the cells hold, bleached or not, (n,)."""
        cells = self._cells
        made: Column = cells["expression"] * (1.0 + cells["progress"]) * self._shape.fade
        return made

    def _shines(self, line: int) -> Column:
        """Return what unbleached cells would shine with; calcium moves the first line's dye."""
        made = self._made()
        return made * self._activity() if line == 0 else made

    def _activity(self) -> Column:
        config = self._config
        level = calcium.activity(
            self._cells["key"],
            self.t_s,
            config.flashes_per_min,
            config.flash_gain,
            config.flash_decay_s,
        )
        return np.where(self._cells["phase"] < Phase.DYING, level, 1.0)

    def _go_one_step(self) -> None:
        """Let the cells as they are now live to the next grid time."""
        cells, config = self._cells, self._config
        self._shape = self._shape_now()
        cells["xyz0_um"], cells["gap0_um"] = cells["xyz_um"], cells["gap_um"]
        in_mitosis = np.isin(cells["phase"], (Phase.METAPHASE, Phase.ANAPHASE))
        pace = np.where(in_mitosis, motion.MITOTIC_PACE, damage.motility(cells["damage"]))
        pace[cells["phase"] >= Phase.DYING] = 0.0
        self._walk.go(cells, self._step, pace)
        motion.part(cells, since_birth_s(cells), config.nucleus_um, config.step_s)
        motion.keep_inside(cells, self._half_um)
        cells["pressed"] = self._make_room()
        cells["gap_um"] = self._gaps_um()
        wander(cells, self._step, config.spot_diffusion_um2_s, config.nucleus_um, config.step_s)
        self._step += 1

    def _gaps_um(self) -> Column:
        """Return the distance of each cell to the next, as far as it bounds a body, (n,) um."""
        config = self._config
        return nearest_um(self._cells["xyz_um"], 3.0 * config.cell_ratio * config.nucleus_um)

    def _make_room(self, looks: int = LOOKS) -> NDArray[np.bool_]:
        """Push overlapping nuclei apart and return who is still pressed, (n,)."""
        cells, config = self._cells, self._config
        bodies = Bodies(
            keys=cells["key"],
            xyz_um=cells["xyz_um"].copy(),
            axes_um=self._shape.axes_um,
            angle=cells["angle"],
            half_um=self._half_um,
            longest_um=max(LONGEST, 1.5 * config.nucleus_flatness) * config.nucleus_um,
        )
        pressed = keep_apart(bodies, looks)
        cells["xyz_um"] = bodies.xyz_um
        return pressed
