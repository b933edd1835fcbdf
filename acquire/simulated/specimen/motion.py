"""How cells move: a persistent random walk, and sisters that part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.draws import Process, normals

if TYPE_CHECKING:
    from acquire.simulated.specimen.cells import Cells, Column

PART_S = 3 * 60.0  # sisters part within about so long; proposed
PART_RADII = 0.9  # and so far each, in radii of a newborn nucleus; proposed
TURN_PER_SQRT_S = 0.004  # wandering of the long axis, radians; proposed
MITOTIC_PACE = 0.2  # a cell that divides hardly walks; proposed


@dataclass(frozen=True, slots=True)
class Walk:
    """A persistent random walk, stepped exactly however long the step.

    Velocity is an Ornstein-Uhlenbeck process and place its integral. Both are drawn together.

    Attributes
    ----------
    memory
        Share of the velocity that is left after a step.
    glide_s
        Place gained for each unit of velocity, s.
    kick_um_s, drag_um, jump_um
        What the first normal number adds to velocity and to place, and the second to place, for
        each axis.

    References
    ----------
    Uhlenbeck & Ornstein, Phys. Rev. 36, 823 (1930); exact step: Gillespie, Phys. Rev. E 54, 2084
    (1996), eqs. 3.4; for cells: Stokes, Lauffenburger & Williams, J. Cell Sci. 99, 419 (1991).
    """

    step_s: float
    dimensions: int
    memory: float
    glide_s: float
    kick_um_s: float
    drag_um: float
    jump_um: float

    @classmethod
    def of(cls, speed_um_s: float, persistence_s: float, step_s: float, dimensions: int) -> Walk:
        """Make the walk with a root mean square speed and a persistence time."""
        per_axis = speed_um_s / np.sqrt(dimensions)
        a = step_s / persistence_s
        memory, lost = np.exp(-a), -np.expm1(-a)
        kick = per_axis * np.sqrt(-np.expm1(-2.0 * a))
        drag = per_axis**2 * persistence_s * lost**2 / kick if kick > 0 else 0.0
        # Its difference is lost in rounding where the step is short; there its first two terms.
        spread = 2.0 * a - 3.0 + 4.0 * memory - memory**2 if a > 0.01 else a**3 * (2 / 3 - a / 2)
        rest_um2 = (per_axis * persistence_s) ** 2 * spread - drag**2
        return cls(
            step_s=step_s,
            dimensions=dimensions,
            memory=float(memory),
            glide_s=float(persistence_s * lost),
            kick_um_s=float(kick),
            drag_um=float(drag),
            jump_um=float(np.sqrt(max(rest_um2, 0.0))),
        )

    def start(self, cells: Cells) -> None:
        """Give the founders their velocities, in place."""
        spread_um_s = self.kick_um_s / np.sqrt(1.0 - self.memory**2)
        draws = normals(cells["key"], Process.START, 1)
        cells["v_um_s"][:, : self.dimensions] = spread_um_s * draws[:, : self.dimensions]

    def go(self, cells: Cells, step: int, motility: Column) -> None:
        """Let all cells walk one step and turn a little, in place.

        Parameters
        ----------
        step
            Number of the step, for the draws.
        motility
            Factor on each cell's speed, (n,): 0 stands still. The velocity itself goes on as it
            would, so that a cell that recovers walks as its unharmed twin.
        """
        first = normals(cells["key"], Process.MOTION, step)
        second = normals(cells["key"], Process.PLACE, step)
        used = slice(0, self.dimensions)
        velocity = cells["v_um_s"][:, used]
        moved_um = self.glide_s * velocity + self.drag_um * first[:, used]
        moved_um = motility[:, None] * (moved_um + self.jump_um * second[:, used])
        velocity *= self.memory
        velocity += self.kick_um_s * first[:, used]
        cells["xyz_um"][:, used] += moved_um
        cells["angle"] += TURN_PER_SQRT_S * np.sqrt(self.step_s) * first[:, 3] * (motility > 0)
        walks = cells["phase"] == Phase.INTERPHASE
        cells["path_um"] += np.where(walks, np.sqrt((moved_um**2).sum(axis=1)), 0.0)
        cells["walked_s"] += np.where(walks, self.step_s, 0.0)


def part(cells: Cells, since_birth_s: Column, nucleus_um: float, step_s: float) -> None:
    """Move newborn sisters away from each other, in place.

    Parameters
    ----------
    since_birth_s
        Age of each cell; infinite for one that has no sister, (n,) s.
    """
    share = np.exp(-since_birth_s / PART_S) * -np.expm1(-step_s / PART_S)
    way_um = PART_RADII * nucleus_um * share
    cells["xyz_um"][:, 0] += way_um * np.cos(cells["apart"])
    cells["xyz_um"][:, 1] += way_um * np.sin(cells["apart"])


def keep_inside(cells: Cells, half_um: Column) -> None:
    """Turn cells back at the border of the specimen, in place.

    Parameters
    ----------
    half_um
        Half of the specimen's extent along x, y, z, (3,) um.
    """
    beyond = np.abs(cells["xyz_um"]) > half_um
    inward = -np.sign(cells["xyz_um"]) * np.abs(cells["v_um_s"])
    cells["v_um_s"] = np.where(beyond, inward, cells["v_um_s"])
    cells["xyz_um"] = np.clip(cells["xyz_um"], -half_um, half_um)
