"""Who became whom: what a tracker says shot by shot, as rows that will not change any more.

Births and divisions are provisional for some shots, and a cell that was missed may come back. So
the newest shots are held back until all verdicts on them are in; then they leave as rows under
their final names, and are forgotten here. Memory is that of a few shots, however long the film.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from realtime.wire import TrackEvent, Tracks

ROW = np.dtype(
    [
        ("t", "<i4"),  # time point
        ("cell", "<i4"),  # one name from its birth or its mother's division to its end
        ("z", "<f4"),  # place, px; z is 0 in a flat film
        ("y", "<f4"),
        ("x", "<f4"),
        ("area_px", "<f4"),
        ("photons", "<f4"),  # photo-electrons above background
        ("certainty", "<f4"),  # probability that the link to it is right
        ("is_seen", "u1"),  # 0: missed, on a straight line between two sightings; or hidden
    ]
)
"""One cell at one time point."""


class Lineage:
    """The family trees of one field.

    Parameters
    ----------
    hold_shots
        Shots after which nothing changes any more: the longer of `TrackerConfig.verdict_shots` and
        `max_missed`.

    Attributes
    ----------
    mothers
        Mother of each daughter, of divisions that are final.
    """

    def __init__(self, hold_shots: int) -> None:
        self._hold = hold_shots + 1
        self._times: list[int] = []
        self._shots: list[dict[int, NDArray[np.void]]] = []  # rows of the newest shots, by name
        self._split_at: dict[int, int] = {}  # daughter of an open division: its time point
        self._mother_of: dict[int, int] = {}  # and its mother
        self._hidden: set[int] = set()
        self.mothers: dict[int, int] = {}

    def take(self, t: int, tracks: Tracks, events: Iterable[TrackEvent]) -> list[NDArray[np.void]]:
        """Take what the tracker said of time point `t`; return the rows that are now settled."""
        events = list(events)
        self._hide(events)
        rows = {
            int(row["cell"]): row
            for row in _rows_of(t, tracks)
            if row["is_seen"] or int(row["cell"]) in self._hidden
        }
        self._times.append(t)
        self._shots.append(rows)
        self._heed(t, events, set(tracks.ids))
        for name in list(rows):
            self._bridge(name)
        return self._leave(len(self._shots) - self._hold)

    def finish(self) -> list[NDArray[np.void]]:
        """Return the rows that were held back. Open divisions are taken as they were last seen."""
        fresh = max((name for shot in self._shots for name in shot), default=-1)
        fresh = max(fresh, *self.mothers, *self.mothers.values(), -1, -1) + 1
        for daughter, mother in sorted(self._mother_of.items()):
            start = self._split_at[daughter]
            if any(daughter in shot for shot in self._since(start)):
                self._rename(mother, fresh, start)
                self.mothers[daughter] = self.mothers[fresh] = mother
                fresh += 1
        return self._leave(len(self._shots))

    def _hide(self, events: list[TrackEvent]) -> None:
        """Note who is hidden in another cell: it is still there, though nobody sees it."""
        for event in events:
            if event.kind == "merge":
                self._hidden.add(event.track_id)
            elif event.kind in ("split", "withdrawn") or (event.kind == "end" and event.is_final):
                self._hidden.discard(event.track_id)

    def _heed(self, t: int, events: list[TrackEvent], followed: set[int]) -> None:
        """Do what the events say; `followed` are the names after all of them."""
        for event in events:
            name, mother = event.track_id, event.parent_id
            if event.kind == "division" and not event.is_final:
                self._split_at[name], self._mother_of[name] = t, mother
            elif event.kind == "division":
                self.mothers[name] = mother
                if (start := self._close(name)) is not None:
                    sister = _sister(events, name, mother)
                    self._rename(mother, sister, start)
            elif event.kind == "withdrawn" and mother >= 0:
                start = self._close(name)
                if start is not None and name not in followed and not _was_false(events, name):
                    self._go_on_as(mother, name, start)
            elif event.kind == "withdrawn" and name not in followed:
                self._rename(name, None, self._times[0])

    def _close(self, daughter: int) -> int | None:
        """Forget an open division; return its time point."""
        self._mother_of.pop(daughter, None)
        return self._split_at.pop(daughter, None)

    def _since(self, start: int) -> list[dict[int, NDArray[np.void]]]:
        return [shot for t, shot in zip(self._times, self._shots, strict=True) if t >= start]

    def _rename(self, old: int, new: int | None, start: int) -> None:
        """Give a cell another name from a time point on; None: it never was."""
        for shot in self._since(start):
            row = shot.pop(old, None)
            if row is not None and new is not None:
                row["cell"] = new
                shot[new] = row

    def _go_on_as(self, mother: int, branch: int, start: int) -> None:
        """Take the other branch of a withdrawn division for the mother's own way."""
        newest = self._shots[-1].get(mother)  # the tracker has renamed it there by itself
        self._rename(mother, None, start)
        self._rename(branch, mother, start)
        if newest is not None:
            self._shots[-1][mother] = newest

    def _bridge(self, name: int) -> None:
        """Fill the shots in which a cell was missed with a straight line (proposed)."""
        held = [n for n, shot in enumerate(self._shots) if name in shot]
        if len(held) < 2 or held[-1] - held[-2] < 2:
            return
        first, last = held[-2:]
        before, after = self._shots[first][name], self._shots[last][name]
        span = self._times[last] - self._times[first]
        for n in range(first + 1, last):
            row = before.copy()
            share = (self._times[n] - self._times[first]) / span
            for axis in ("z", "y", "x", "area_px", "photons"):
                row[axis] = before[axis] + share * (after[axis] - before[axis])
            row["t"], row["is_seen"], row["certainty"] = self._times[n], 0, after["certainty"]
            self._shots[n][name] = row

    def _leave(self, count: int) -> list[NDArray[np.void]]:
        """Let the oldest shots go."""
        settled = []
        for _ in range(max(count, 0)):
            shot = self._shots.pop(0)
            self._times.pop(0)
            if shot:
                settled.append(np.array([shot[name] for name in sorted(shot)], ROW))
        return settled


def _rows_of(t: int, tracks: Tracks) -> NDArray[np.void]:
    """Return a row for each cell that is followed, found or not."""
    n = len(tracks.ids)
    rows = np.zeros(n, ROW)
    rows["t"] = t
    rows["is_seen"] = np.asarray(tracks.missed, np.int64) == 0 if tracks.missed else 1
    rows["cell"], rows["y"], rows["x"] = tracks.ids, tracks.y_px, tracks.x_px
    for name, of in (
        ("z", tracks.z_px), ("area_px", tracks.area_px), ("photons", tracks.photons),
        ("certainty", tracks.certainty),
    ):  # fmt: skip
        if len(of) == n:
            rows[name] = of
    return rows


def _sister(events: list[TrackEvent], daughter: int, mother: int) -> int | None:
    """Return the other name of a final division: the daughter that went by the mother's name."""
    return next(
        (
            other.track_id
            for other in events
            if other.kind == "division"
            and other.is_final
            and other.parent_id == mother
            and other.track_id != daughter
        ),
        None,
    )


def _was_false(events: list[TrackEvent], name: int) -> bool:
    """Whether the events say of a name that it was no cell at all."""
    return any(e.kind == "withdrawn" and e.track_id == name and e.parent_id < 0 for e in events)
