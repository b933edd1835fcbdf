"""What a tracker remembers of each cell: one row of fixed size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from realtime.errors import BadDetections

if TYPE_CHECKING:
    from realtime.detections import Detections

AXES = 3
"""Room for y, x and z; a plane leaves z at 0."""
NOBODY = -1
"""Identity of no cell."""
NEVER = 1 << 30
"""Shots since the last division of a cell that was never seen to divide."""

CELL = np.dtype(
    [
        ("id", "i8"),
        ("parent", "i8"),  # the mother's id; -1: none
        ("detection", "i8"),  # its detection in the last shot, -1: missed
        ("place", "f8", AXES),  # where it was last seen: y, x px, and its divided height
        ("step", "f8", AXES),  # its last move, px for each shot
        ("velocity", "f8", AXES),  # the same, smoothed
        ("along", "f8"),  # running <step, velocity> and <velocity, velocity>: their ratio says
        ("squared", "f8"),  # how far this cell keeps its velocity
        ("unrest", "f8"),  # running squared miss over the spread that was expected; 1 is usual
        ("missed", "i8"),  # shots in a row without a detection
        ("age", "i8"),  # shots since birth
        ("sightings", "i8"),  # detections since birth or since the last division
        ("since_division", "i8"),  # shots; NEVER: not seen to divide
        ("area", "f8"),  # running mean, px
        ("area_now", "f8"),  # of the last detection, px
        ("signal", "f8"),  # running mean brightness, e a pixel
        ("trend", "f8"),  # its change a shot, as a share, smoothed
        ("photons", "f8"),  # of the last detection, e
        ("certainty", "f8"),  # probability that its last link is right
        ("margin", "f8"),  # cost of the second-best explanation over the best, nats
        ("host", "i8"),  # the cell that it is hidden in; NOBODY: none
        ("offset", "f8", AXES),  # from there, px
        ("is_sure", "?"),  # its birth is final
        ("hides", "?"),  # others are hidden in it
    ],
    align=True,  # or numpy copies each column before it reckons with it
)
"""One row. A structured array keeps the columns together: dropping cells is one index."""

Cells: TypeAlias = NDArray[np.void]
_BYTES = np.dtype(f"V{CELL.itemsize}")
"""The same row for moving only: numpy moves a named row name by name, ten times slower."""


@dataclass(frozen=True)
class Found:
    """What the detector found in one shot.

    Attributes
    ----------
    places
        y, x and, in a stack, the divided height, px, (M, 2) or (M, 3): one spread on all axes.
    areas, photons
        px and photo-electrons, (M,).
    true_places
        The places with heights as they are, px of the plane; None: the same.
    classes
        Probability of each kind, (M, K); None: nobody looked.
    z_sd_px
        Standard deviation of true heights, px of the plane, (M,); None: nobody knows.
    """

    places: NDArray[np.float64]
    areas: NDArray[np.float64]
    photons: NDArray[np.float64]
    true_places: NDArray[np.float64] | None = None
    classes: NDArray[np.float64] | None = None
    z_sd_px: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, detections: Detections, z_ratio: float = 1.0) -> Found:
        """Take over what a detector says; heights are divided by `z_ratio`.

        Raises
        ------
        BadDetections
            If a place, an area or a brightness is not a finite number, or a kind's probability is
            none.
        """
        axes = [detections.y_px, detections.x_px]
        if detections.z_px is not None:
            axes.append(detections.z_px)
        true = np.column_stack(axes).astype(np.float64)
        found = cls(
            true if len(axes) < AXES else true / (1.0, 1.0, z_ratio),
            np.asarray(detections.area_px, np.float64),
            np.asarray(detections.photons, np.float64),
            None if len(axes) < AXES else true,
            _checked_classes(detections),
            detections.z_sd_px,
        )
        for name, values in (("place", found.places), ("area", found.areas)):
            _require_finite(name, values)
        _require_finite("brightness", found.photons)
        return found

    def __len__(self) -> int:
        return len(self.places)

    def some(self, which: NDArray[np.intp]) -> Found:
        """Return only some of it."""
        true = None if self.true_places is None else self.true_places[which]
        classes = None if self.classes is None else self.classes[which]
        z_sd = None if self.z_sd_px is None else self.z_sd_px[which]
        some = (self.places[which], self.areas[which], self.photons[which])
        return Found(*some, true, classes, z_sd)

    @property
    def px(self) -> NDArray[np.float64]:
        """The places with heights as they are, px, (M, D)."""
        return self.places if self.true_places is None else self.true_places

    @cached_property
    def signals(self) -> NDArray[np.float64]:
        """Brightness, e a pixel, (M,)."""
        return np.asarray(self.photons / np.maximum(self.areas, 1.0))

    @cached_property
    def tree(self) -> cKDTree:
        """The places, to be searched by nearness; a plain tree is built sooner."""
        return cKDTree(self.places, compact_nodes=False, balanced_tree=False)


SAME = 0.25
"""A detection nearer to another one than this share of its radius is no other cell (proposed)."""


_MOST_AT_ONE = 16
"""Detections at one place that are compared: a detector gives few, and memory stays bounded."""


def not_twice(found: Found, which: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return those of some unexplained detections that are no cell found a second time.

    Of several at one place that nobody explains, one stays.
    """
    reach = SAME * np.sqrt(found.areas[which].clip(0) / np.pi)
    n = len(found)
    if not reach.any() or n < 2:
        return which
    places, bound = found.places[which], float(np.nextafter(reach.max(), np.inf))
    second, _ = found.tree.query(places, [2], distance_upper_bound=bound)  # the first: itself
    if (second[:, 0] > reach).all():
        return which
    away, near = found.tree.query(
        places, range(1, 1 + min(_MOST_AT_ONE, n)), distance_upper_bound=bound
    )
    is_new = np.zeros(n + 1, np.bool_)  # n stands for "no other one so near"
    is_new[which] = True
    is_other = (away <= reach[:, None]) & (near != which[:, None])
    comes_first = ~is_new[near] | (near < which[:, None])
    return np.asarray(which[~(is_other & comes_first).any(axis=1)])


def _checked_classes(detections: Detections) -> NDArray[np.float64] | None:
    """Return the probabilities of kinds, if they can be some."""
    if detections.classes is None:
        return None
    classes = np.asarray(detections.classes, np.float64)
    if classes.ndim != 2 or len(classes) != len(detections) or classes.shape[1] == 0:
        raise BadDetections(
            f"the kinds of {len(detections)} detections must be a table of as many rows, and a "
            f"column for each kind; its shape is {classes.shape}: look at the classifier"
        )
    if (classes < 0).any() or np.isinf(classes).any():
        raise BadDetections(
            "the probability of a kind must be a number >= 0, or NaN where nothing is known; "
            f"they go from {np.nanmin(classes):g} to {np.nanmax(classes):g}: look at the classifier"
        )
    return classes


def _require_finite(name: str, values: NDArray[np.float64]) -> None:
    good = np.isfinite(values)
    if good.all():
        return
    first = int(np.flatnonzero(~good.reshape(len(good), -1).all(axis=1))[0])
    raise BadDetections(
        f"the {name} of every detection must be a finite number; that of detection {first} is "
        f"{values[first]}: leave it out"
    )


def rescale_heights(cells: Cells, factor: float) -> None:
    """Multiply the divided heights of all cells; changes `cells`."""
    for name in ("place", "step", "velocity", "offset"):
        cells[name][:, AXES - 1] *= factor


def guests_of(cells: Cells) -> NDArray[np.bool_]:
    """Return which cells others are hidden in, (N,)."""
    hosts = cells["host"][cells["host"] != NOBODY]
    return np.isin(cells["id"], hosts) if len(hosts) else np.zeros(len(cells), np.bool_)


def pick(cells: Cells, which: NDArray[np.intp] | NDArray[np.bool_]) -> Cells:
    """Return a copy of some rows."""
    return cells.view(_BYTES)[which].view(CELL)


def put(cells: Cells, which: NDArray[np.intp], rows: Cells) -> None:
    """Write rows back; changes `cells`."""
    cells.view(_BYTES)[which] = rows.view(_BYTES)


def join(*tables: Cells) -> Cells:
    """Return tables below each other."""
    return np.concatenate([table.view(_BYTES) for table in tables]).view(CELL)


def no_cells() -> Cells:
    """Return an empty table."""
    return np.zeros(0, CELL)


def new_cells(ids: NDArray[np.int64], which: NDArray[np.intp], found: Found) -> Cells:
    """Return rows for the detections `which`, (N,), as cells that are seen for the first time."""
    rows = np.zeros(len(ids), CELL)
    rows["id"], rows["parent"], rows["detection"] = ids, -1, which
    rows["host"] = NOBODY
    rows["place"][:, : found.places.shape[1]] = found.places[which]
    rows["area"] = rows["area_now"] = found.areas[which]
    rows["photons"], rows["signal"] = found.photons[which], found.signals[which]
    rows["sightings"] = rows["unrest"] = rows["certainty"] = 1
    rows["since_division"] = NEVER
    return rows
