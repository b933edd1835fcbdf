"""Where each cell has been: the points of its tail, ready to draw. No Qt here."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.wire import Result

LENGTH = 30  # shots of a tail
BACK = 32  # shots that a frame on the screen may be behind the newest result
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


class _Shot(NamedTuple):
    """The cells of one shot, by ascending identity."""

    number: int
    ids: NDArray[np.int64]
    xy: NDArray[np.float64]
    parents: NDArray[np.int64]
    radius: NDArray[np.float64]
    is_seen: NDArray[np.bool_]


class Tails:
    """The recent shots of one field of view."""

    def __init__(self, length: int = LENGTH) -> None:
        self._length = length
        self._shots: deque[_Shot] = deque(maxlen=length + BACK)
        self._divided: dict[int, int] = {}

    def add(self, result: Result) -> None:
        """Take the tracks of one shot."""
        tracks = result.tracks
        ids = np.asarray(tracks.ids, np.int64)
        order = np.argsort(ids)
        xy = np.column_stack([tracks.x_px, tracks.y_px]).astype(np.float64).reshape(-1, 2)
        radius = np.sqrt(np.asarray(tracks.area_px, np.float64) / np.pi)
        parents, is_seen = np.asarray(tracks.parents, np.int64), np.asarray(tracks.missed) == 0
        self._shots.append(
            _Shot(result.shot, ids[order], xy[order], parents[order], radius[order], is_seen[order])
        )
        for event in result.events:
            if event.kind == "division":
                self._divided[event.track_id] = result.shot
        for track, shot in list(self._divided.items()):
            if result.shot - shot > DIVISION_SHOTS + BACK:
                del self._divided[track]

    def drawing(self, shot: int | None = None) -> Drawing:
        """Return what there is to draw at a shot, the newest by default.

        A shot that is not remembered is drawn as the last one before it.
        """
        shots = [one for one in self._shots if shot is None or one.number <= shot]
        shots = shots[-self._length :]
        if not shots:
            none = np.empty(0)
            flags = none.astype(bool)
            ids = none.astype(np.int64)
            return Drawing(ids, np.empty((0, 2)), none, flags, flags, np.empty((0, 0, 2)))
        now = shots[-1]
        divided = [t for t, at in self._divided.items() if 0 <= now.number - at <= DIVISION_SHOTS]
        has_divided = np.isin(now.ids, divided) | np.isin(now.parents, divided)
        return Drawing(
            now.ids, now.xy, now.radius, now.is_seen, has_divided, _points(shots, now.ids)
        )


def _points(shots: list[_Shot], ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Follow the newest cells back through the shots; where one is missing, it stood still."""
    points = np.empty((len(shots), len(ids), 2))
    later = shots[-1].xy
    for i in range(len(shots) - 1, -1, -1):
        then = shots[i]
        points[i] = later
        if len(then.ids):
            at = np.minimum(np.searchsorted(then.ids, ids), len(then.ids) - 1)
            found = then.ids[at] == ids
            points[i, found] = then.xy[at[found]]
        later = points[i]
    return points
