"""Where each cell has been: the points of its tail, ready to draw. No Qt here."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.wire import Result

LENGTH = 30  # shots of a tail
DIVISION_SHOTS = 12  # for so many shots a division is marked (proposed)


class Drawing(NamedTuple):
    """The cells of one shot, n of them.

    Attributes
    ----------
    ids
        Identity, (n,) int64.
    xy
        Centre in pixels of the raw frame, (n, 2) float64, x first.
    radius
        Radius of a disc of the cell's area, pixels, (n,) float64.
    is_seen
        False where the cell was not detected in this shot and its place is a guess, (n,) bool.
    has_divided
        True for the daughters of a recent division, (n,) bool.
    tails
        Past centres, oldest first, (shots, n, 2) float64; where a cell was not there yet its
        first place stands.
    """

    ids: NDArray[np.int64]
    xy: NDArray[np.float64]
    radius: NDArray[np.float64]
    is_seen: NDArray[np.bool_]
    has_divided: NDArray[np.bool_]
    tails: NDArray[np.float64]


class Tails:
    """The recent shots of one field of view."""

    def __init__(self, length: int = LENGTH) -> None:
        self._shots: deque[tuple[NDArray[np.int64], NDArray[np.float64]]] = deque(maxlen=length)
        self._divided: dict[int, int] = {}
        self._newest: Result | None = None

    def add(self, result: Result) -> None:
        """Take the tracks of one shot."""
        tracks = result.tracks
        ids = np.asarray(tracks.ids, np.int64)
        order = np.argsort(ids)
        xy = np.column_stack([tracks.x_px, tracks.y_px]).astype(np.float64).reshape(-1, 2)
        self._shots.append((ids[order], xy[order]))
        self._newest = result
        for event in result.events:
            if event.kind == "division":
                self._divided[event.track_id] = result.shot
        for track, shot in list(self._divided.items()):
            if result.shot - shot > DIVISION_SHOTS:
                del self._divided[track]

    def drawing(self) -> Drawing:
        """Return the newest shot with its tails."""
        if self._newest is None or not self._newest.tracks.ids:
            empty = np.zeros(0)
            return Drawing(
                empty.astype(np.int64),
                np.zeros((0, 2)),
                empty,
                empty > 0,
                empty > 0,
                np.zeros((0, 0, 2)),
            )
        tracks = self._newest.tracks
        ids, xy = self._shots[-1]
        order = np.argsort(np.asarray(tracks.ids, np.int64))
        divided = self._divided.keys() | {
            track
            for track, mother in zip(tracks.ids, tracks.parents, strict=True)
            if mother in self._divided
        }
        return Drawing(
            ids,
            xy,
            np.sqrt(np.asarray(tracks.area_px, np.float64) / np.pi)[order],
            (np.asarray(tracks.missed) == 0)[order],
            np.isin(ids, list(divided)),
            self._points(ids),
        )

    def _points(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Follow the newest cells back through the shots; where one is missing, it stood still."""
        points = np.empty((len(self._shots), len(ids), 2))
        later = self._shots[-1][1]
        for i in range(len(self._shots) - 1, -1, -1):
            then, xy = self._shots[i]
            points[i] = later
            if len(then):
                at = np.minimum(np.searchsorted(then, ids), len(then) - 1)
                found = then[at] == ids
                points[i, found] = xy[at[found]]
            later = points[i]
        return points
