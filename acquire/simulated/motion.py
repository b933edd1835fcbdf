"""How cells move: a persistent random walk, sisters that part, and no two in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.cells import Cells, Column

PART_S = 3 * 60.0  # sisters part within about so long; proposed
PART_RADII = 0.9  # and so far each, in radii of a newborn nucleus; proposed
TURN_PER_SQRT_S = 0.004  # wandering of the long axis, radians; proposed


def walk(cells: Cells, noise: NDArray[np.float64], speed_um_s: float, memory: float) -> None:
    """Change the velocities over one step, in place.

    The velocity is an Ornstein-Uhlenbeck process, stepped exactly.

    Parameters
    ----------
    noise
        Standard normal numbers, (n, 4).
    speed_um_s
        Root mean square speed, um/s.
    memory
        exp(-step / persistence).

    References
    ----------
    Uhlenbeck & Ornstein, Phys. Rev. 36, 823 (1930); for cells: Stokes, Lauffenburger & Williams,
    J. Cell Sci. 99, 419 (1991).
    """
    kick = speed_um_s / np.sqrt(2.0) * np.sqrt(1.0 - memory**2)
    cells["vx_um_s"] = memory * cells["vx_um_s"] + kick * noise[:, 0]
    cells["vy_um_s"] = memory * cells["vy_um_s"] + kick * noise[:, 1]


def advance(cells: Cells, slow: Column, nucleus_um: float, step_s: float) -> None:
    """Add a step's displacement to the positions in place: the walk, and sisters parting.

    Parameters
    ----------
    slow
        Factor on each cell's speed, (n,).
    """
    parted = np.exp(-cells["phase_s"] / PART_S) * -np.expm1(-step_s / PART_S)
    parted = np.where((cells["parent"] >= 0) & ~cells["arrested"], parted, 0.0)
    parted *= PART_RADII * nucleus_um
    cells["x_um"] += slow * cells["vx_um_s"] * step_s + parted * np.cos(cells["apart"])
    cells["y_um"] += slow * cells["vy_um_s"] * step_s + parted * np.sin(cells["apart"])


def turn(cells: Cells, noise: NDArray[np.float64], step_s: float) -> None:
    """Let the long axes wander in place."""
    cells["angle"] += TURN_PER_SQRT_S * np.sqrt(step_s) * noise[:, 2]


def keep_apart(xy_um: NDArray[np.float64], radius_um: Column, rounds: int = 4) -> None:
    """Push overlapping cells apart in place, half of the overlap each, a few rounds.

    Parameters
    ----------
    xy_um
        Centres, (n, 2) um.
    radius_um
        Room that each cell takes, (n,) um.
    """
    if len(xy_um) < 2:
        return
    for _ in range(rounds):
        pairs = cKDTree(xy_um).query_pairs(2.0 * radius_um.max(), output_type="ndarray")
        i, j = pairs[:, 0], pairs[:, 1]
        apart = xy_um[j] - xy_um[i]
        distance = np.hypot(apart[:, 0], apart[:, 1])
        overlap = radius_um[i] + radius_um[j] - distance
        touching = overlap > 0
        if not touching.any():
            return
        i, j = i[touching], j[touching]
        push = apart[touching] * (0.5 * overlap / np.maximum(distance, 1e-9))[touching, None]
        np.add.at(xy_um, i, -push)
        np.add.at(xy_um, j, push)


def keep_inside(cells: Cells, half_y_um: float, half_x_um: float) -> None:
    """Turn cells back at the border of the specimen, in place."""
    for position, velocity, half in (
        ("x_um", "vx_um_s", half_x_um),
        ("y_um", "vy_um_s", half_y_um),
    ):
        beyond = np.abs(cells[position]) > half
        cells[velocity] = np.where(
            beyond, -np.sign(cells[position]) * np.abs(cells[velocity]), cells[velocity]
        )
        cells[position] = np.clip(cells[position], -half, half)
