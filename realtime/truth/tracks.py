"""The truth of one field as a tracker should have found it: frames, tracklets and their links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.truth.reader import TruthReader


class Tracklet(msgspec.Struct):
    """A cell for as long as it is in sight without a break.

    Attributes
    ----------
    label
        From 1, in order of appearance.
    cell
        Its id in the truth.
    first, last
        Time points, both included.
    parent
        Label of the tracklet that it continues: the mother's, or its own from before a time point
        that was lost; 0: none.
    """

    label: int
    cell: int
    first: int
    last: int
    parent: int = 0


@dataclass(frozen=True, slots=True)
class FieldFrame:
    """One time point of a field: the exposures of its planes (places in the table), bottom up."""

    t: int
    exposures: tuple[int, ...]


class FieldTruth:
    """The film of one field in its first channel.

    A cell that leaves the field and comes back is somebody new, as to anybody who has only the
    film; so is one whose mother was not in sight at the time point before.

    Parameters
    ----------
    position
        Which field, the p of the plan.

    Raises
    ------
    RunFileError
        If no frame of the field is known.
    """

    def __init__(self, truth: TruthReader, position: int = 0) -> None:
        self.truth = truth
        self.frames = _frames(truth, position)
        if not self.frames:
            raise RunFileError(f"{truth.path.name} holds no whole image of field {position}")
        self.n_planes = len(self.frames[0].exposures)
        self.tracklets: list[Tracklet] = []
        self._labels: list[dict[int, int]] = []
        self._link()

    @property
    def n_times(self) -> int:
        """Time points, lost ones among them."""
        return self.frames[-1].t + 1

    def labels(self, k: int) -> dict[int, int]:
        """Return the tracklet of each cell in sight at the k-th frame, by the cell's id."""
        return self._labels[k]

    def cells(self, k: int) -> NDArray[np.void]:
        """Return one row for each cell in sight at the k-th frame: of the plane that shows most."""
        planes = [self.truth.cells(exposure) for exposure in self.frames[k].exposures]
        rows = np.concatenate(planes)
        rows = rows[rows["area_px"] > 0]
        order = np.lexsort((-rows["area_px"], rows["id"]))
        _, first = np.unique(rows["id"][order], return_index=True)
        best: NDArray[np.void] = rows[order[first]]
        return best

    def mask(self, k: int) -> NDArray[np.uint32]:
        """Return the k-th frame's cells, (Y, X) or (Z, Y, X) uint32: id + 1, 0 for nobody."""
        planes = [self.truth.mask(exposure) for exposure in self.frames[k].exposures]
        return planes[0] if len(planes) == 1 else np.stack(planes)

    def _link(self) -> None:
        open_: dict[int, Tracklet] = {}
        before = -1
        for k, frame in enumerate(self.frames):
            rows = self.cells(k)
            now: dict[int, Tracklet] = {}
            for cell, mother in zip(rows["id"].tolist(), rows["parent"].tolist(), strict=True):
                known = open_.get(cell)
                if known is not None and before == frame.t - 1:
                    known.last = frame.t
                    now[cell] = known
                    continue
                earlier = known or open_.get(mother)
                parent = earlier.label if earlier is not None else 0
                label = len(self.tracklets) + 1
                now[cell] = Tracklet(label, cell, frame.t, frame.t, parent)
                self.tracklets.append(now[cell])
            self._labels.append({cell: tracklet.label for cell, tracklet in now.items()})
            open_, before = now, frame.t


def positions(truth: TruthReader) -> list[int]:
    """Return the fields that a truth knows."""
    known = truth.exposures["p"]
    return [int(p) for p in np.unique(known[known >= 0])]


def _frames(truth: TruthReader, position: int) -> list[FieldFrame]:
    """Return the time points whose planes are all there."""
    table = truth.exposures
    mine = (table["p"] == position) & (table["c"] == 0) & (table["seq"] >= 0)
    n_planes = int(table["z"][mine].max(initial=-1)) + 1
    whole: list[FieldFrame] = []
    for t in np.unique(table["t"][mine]):
        at = np.flatnonzero(mine & (table["t"] == t) & (table["image_row"] >= 0))
        by_plane = {int(table["z"][i]): int(i) for i in at}  # an audit's second image wins
        if len(by_plane) == n_planes:
            whole.append(FieldFrame(int(t), tuple(by_plane[z] for z in range(n_planes))))
    return whole
