"""Contact: nuclei push each other aside instead of overlapping.

This is the one thing that couples neighbours. A cell's *draws* never depend on another cell, but
where it is pushed to does. So light on one cell can change the positions, and by way of the light
that falls there the later fate, of the cells that it touches, and of those that they touch. Cells
without such a chain of contacts are the same to the last bit: pairs are added up in an order that
follows from their keys, and nothing about a push depends on pairs elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Column
    from acquire.simulated.specimen.draws import Words

GAP = 1.06  # nuclei keep a little more than their size apart: the rim of two cell bodies; proposed
DONE = 0.01  # an overlap of less than this share is none
LOOKS = 3  # times in one step that neighbours are sought; what is left then waits for the next ...
ROUNDS = 8  # ... and pushes for each look
NEAR = 0.2  # neighbours are sought so much further than they touch
PRESSED = 0.08  # a cell with so much overlap left has no room to grow; proposed


@dataclass(slots=True)
class Bodies:
    """What takes room: one ellipsoid for each cell, its third axis along z.

    Attributes
    ----------
    keys
        Of the cells; they fix the order of all sums, (n,).
    xyz_um
        Centres, (n, 3) um; pushed in place.
    axes_um
        Long, short and vertical semi-axis, (n, 3) um.
    angle
        Of the long axis against x, (n,) radians.
    half_um
        Half of the specimen's extent along x, y, z, (3,) um.
    longest_um
        No semi-axis is ever longer, um; the same whoever is there.
    """

    keys: Words
    xyz_um: NDArray[np.float64]
    axes_um: NDArray[np.float64]
    angle: Column
    half_um: Column
    longest_um: float

    def pairs(self) -> NDArray[np.int64]:
        """Return the pairs that may touch, (m, 2), sorted by their keys, the lower key first."""
        if len(self.keys) < 2:
            return np.empty((0, 2), np.int64)
        distance_um = 2.0 * GAP * (1.0 + NEAR) * self.longest_um
        found = cKDTree(self.xyz_um).query_pairs(distance_um, output_type="ndarray")
        _, wanted, lacking = self.overlap(found)
        found = found[lacking > -NEAR * wanted]
        swapped = self.keys[found[:, 0]] > self.keys[found[:, 1]]
        found[swapped] = found[swapped][:, ::-1]
        order = np.lexsort((self.keys[found[:, 1]], self.keys[found[:, 0]]))
        sorted_pairs: NDArray[np.int64] = found[order]
        return sorted_pairs

    def overlap(self, pairs: NDArray[np.int64]) -> tuple[NDArray[np.float64], Column, Column]:
        """Return each pair's direction, (m, 3), the room it wants and what it lacks, (m,) um.

        Two convex bodies are apart if their widths along the line between their centres add up to
        less than their distance.
        """
        i, j = pairs[:, 0], pairs[:, 1]
        line = self.xyz_um[j] - self.xyz_um[i]
        distance = np.sqrt(np.einsum("ij,ij->i", line, line))
        line /= np.maximum(distance, 1e-9)[:, None]
        wanted = GAP * (self._support(i, line) + self._support(j, line))
        return line, wanted, wanted - distance

    def _support(self, who: NDArray[np.int64], line: NDArray[np.float64]) -> Column:
        """Return half of the width of each body along a unit vector, um."""
        cos, sin = np.cos(self.angle[who]), np.sin(self.angle[who])
        axes = self.axes_um[who]
        along = (line[:, 0] * cos + line[:, 1] * sin) * axes[:, 0]
        across = (line[:, 1] * cos - line[:, 0] * sin) * axes[:, 1]
        up = line[:, 2] * axes[:, 2]
        width: Column = np.sqrt(along * along + across * across + up * up)
        return width


def keep_apart(bodies: Bodies, looks: int = LOOKS) -> NDArray[np.bool_]:
    """Push bodies apart in place, half of the overlap each; return who is pressed, (n,)."""
    for _ in range(looks):
        pairs = bodies.pairs()
        pushes = 0
        while pushes < ROUNDS and _push_once(bodies, pairs):
            pushes += 1
        if pushes == 0:
            return np.zeros(len(bodies.keys), bool)
    return _pressed(bodies)


def _push_once(bodies: Bodies, pairs: NDArray[np.int64]) -> bool:
    """Push the pairs that overlap, in place; return whether there was one."""
    line, wanted, lacking = bodies.overlap(pairs)
    close = lacking > DONE * wanted
    push = 0.5 * lacking[close, None] * line[close]
    bodies.xyz_um += _sum_at(pairs[close], push, len(bodies.keys))
    np.clip(bodies.xyz_um, -bodies.half_um, bodies.half_um, out=bodies.xyz_um)
    return bool(close.any())


def nearest_um(xyz_um: NDArray[np.float64], at_most_um: float) -> Column:
    """Return the distance from each centre to the next one, but no more than a limit, (n,) um."""
    if len(xyz_um) < 2:
        return np.full(len(xyz_um), at_most_um)
    found, _ = cKDTree(xyz_um).query(xyz_um, k=2, distance_upper_bound=at_most_um)
    distance: Column = np.minimum(found[:, 1], at_most_um)
    return distance


def _sum_at(pairs: NDArray[np.int64], push: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Add up the pushes on each body, (n, 3): against the line for the first, along it else."""
    total = np.empty((n, 3))
    for axis in range(3):
        total[:, axis] = np.bincount(pairs[:, 1], push[:, axis], n)
        total[:, axis] -= np.bincount(pairs[:, 0], push[:, axis], n)
    return total


def _pressed(bodies: Bodies) -> NDArray[np.bool_]:
    pairs = bodies.pairs()
    _, wanted, lacking = bodies.overlap(pairs)
    tight = pairs[lacking > PRESSED * wanted]
    pressed = np.zeros(len(bodies.keys), bool)
    pressed[tight.ravel()] = True
    return pressed
