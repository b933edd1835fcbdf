"""Spots smaller than the resolution, which wander within each nucleus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.specimen.cells import Spots
from acquire.simulated.specimen.draws import Process, normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Cells, Column, Nuclei

SPREAD = 0.4  # rms place of a spot along each axis, in semi-axes of the nucleus; proposed
RIM = 0.95  # no spot is further out, in semi-axes


def scatter(cells: Cells) -> None:
    """Give newborn cells their spots, in place."""
    cells["spots"] = _inside(SPREAD * _draws(cells, 0))
    cells["spots0"] = cells["spots"]


def wander(
    cells: Cells, step: int, diffusion_um2_s: float, nucleus_um: float, step_s: float
) -> None:
    """Let all spots diffuse for one step, in place.

    Confined diffusion: an Ornstein-Uhlenbeck process about the centre, stepped exactly, whose
    displacements in times that are short against `SPREAD**2 nucleus_um**2 / diffusion` are those of
    free diffusion, 2 D t along each axis.

    References
    ----------
    Uhlenbeck & Ornstein, Phys. Rev. 36, 823 (1930).
    """
    cells["spots0"] = cells["spots"]
    if cells["spots"].shape[1] == 0 or diffusion_um2_s == 0.0:
        return
    relaxation_s = (SPREAD * nucleus_um) ** 2 / diffusion_um2_s
    memory = np.exp(-step_s / relaxation_s)
    kick = SPREAD * np.sqrt(-np.expm1(-2.0 * step_s / relaxation_s))
    cells["spots"] = _inside(memory * cells["spots"] + kick * _draws(cells, 1 + step))


def spots_of(cells: Cells, nuclei: Nuclei, along: float, dye: Column) -> Spots:
    """Return where all spots are, in the order of the cells.

    Parameters
    ----------
    along
        Time since the last grid time over the step, 0 to 1.
    dye
        Dye of each cell, (n,), in equal parts over its spots.
    """
    n, each = cells["spots"].shape[:2]
    place = cells["spots0"] + along * (cells["spots"] - cells["spots0"])
    rows = np.repeat(np.arange(n), each)
    long, short, up = (place.reshape(-1, 3) * _axes_um(nuclei)[rows]).T
    cos, sin = np.cos(nuclei.angle[rows]), np.sin(nuclei.angle[rows])
    return Spots(
        cells=nuclei.ids[rows],
        x_um=nuclei.x_um[rows] + cos * long - sin * short,
        y_um=nuclei.y_um[rows] + sin * long + cos * short,
        z_um=nuclei.z_um[rows] + up,
        dye=dye[rows] / max(each, 1),
    )


def _axes_um(nuclei: Nuclei) -> NDArray[np.float64]:
    return np.stack([nuclei.long_um, nuclei.short_um, nuclei.depth_um], axis=1)


def _draws(cells: Cells, index: int) -> NDArray[np.float64]:
    """Return standard normal numbers for every spot and axis, (n, spots, 3)."""
    n, each = cells["spots"].shape[:2]
    keys = np.repeat(cells["key"], each)
    members = np.tile(np.arange(each), n)
    return normals(keys, Process.SPOTS, index, members)[:, :3].reshape(n, each, 3)


def _inside(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places whose distance from the centre is at most `RIM`."""
    far = np.sqrt((place**2).sum(axis=-1, keepdims=True))
    inside: NDArray[np.float64] = place * np.minimum(1.0, RIM / np.maximum(far, 1e-12))
    return inside
