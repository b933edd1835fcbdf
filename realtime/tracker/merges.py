"""Cells that touch are seen as one: who is hidden goes with whom hides it, and keeps its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.cells import NOBODY, guests_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells

_REACH_RADII = 1.6
"""How far from the middle of two cells seen as one either may be expected, in its radii (proposed;
two discs that touch, drawn as one: 1.4)."""
_RARE = 3.0
"""How much better, nats, the area and the place of both must explain what is seen than a cell that
is missed beside one that grew: cells are missed more often than they are hidden (proposed)."""
_LEAST_SIGHTINGS = 3
"""Who was seen less often may have been false (proposed)."""
_MOST_PAIRS = 1 << 18
"""Lost and grown cells that are compared at once: memory stays bounded."""
_MOST_SHOTS = 40
"""Shots for which a hidden cell is waited for: memory stays bounded (proposed)."""


@dataclass(slots=True)
class Open:
    """A merge or a split that was told, and not yet judged."""

    kind: str
    guest_id: int
    host_id: int
    shots: int = 0
    hits: int = 0
    """Shots in which the cell was seen again since it came out."""


class Merges:
    """Tells which cells are hidden in others, and when they come apart.

    A cell that is missed where another has just become as large as both is hidden in it. It goes
    where its host goes. When they come apart, place and looks say who is who, as always.

    Parameters
    ----------
    verdict_shots
        Shots after which a merge or a split becomes final, or is withdrawn.
    tell
        Takes a kind of event, identities, the other cell, and whether it is final.
    """

    def __init__(
        self, verdict_shots: int, tell: Callable[[str, list[int], int, bool], None]
    ) -> None:
        self._verdict_shots, self._tell = verdict_shots, tell
        self._open: list[Open] = []

    def take(self, cells: Cells, before: Cells, jitter: float, cover: float) -> None:
        """Find who was hidden in this shot, and who came out; changes `cells`.

        Parameters
        ----------
        before
            The same cells before this shot.
        jitter
            How much the area of a cell changes from shot to shot, mean of absolute logarithms; inf
            where areas mean nothing.
        cover
            Share of the field that cells cover: where it is small, nobody is near by chance.
        """
        self._come_out(cells)
        self._judge(cells)
        self._follow(cells)
        near = -np.log(_REACH_RADII**2 * max(cover, 1e-3))
        self._hide(cells, before, jitter, float(near))

    def _come_out(self, cells: Cells) -> None:
        """Hidden cells that were found again."""
        if not (cells["host"] != NOBODY).any() and not cells["hides"].any():
            return
        out = np.flatnonzero((cells["host"] != NOBODY) & (cells["missed"] == 0))
        for row in out.tolist():
            guest, host = int(cells["id"][row]), int(cells["host"][row])
            is_final = not any(o.kind == "merge" and o.guest_id == guest for o in self._open)
            self._open = [o for o in self._open if o.guest_id != guest]
            if is_final:
                self._tell("split", [guest], host, False)
                self._open.append(Open("split", guest, host, shots=-1))  # counted below
            else:
                self._tell("withdrawn", [guest], NOBODY, True)
            cells["host"][row] = NOBODY
            cells["area"][row] = cells["area_now"][row]
            cells["since_division"][row] = min(int(cells["since_division"][row]), 0)
        hosts = guests_of(cells)
        for row in np.flatnonzero(cells["hides"] & ~hosts).tolist():
            cells["area"][row] = cells["area_now"][row]
        cells["hides"] = hosts

    def _judge(self, cells: Cells) -> None:
        """Make merges and splits final, or take them back, when their time is over."""
        seen = set(cells["id"][cells["missed"] == 0].tolist()) if self._open else set()
        for event in self._open:
            event.shots += 1
            event.hits += event.shots > 0 and event.guest_id in seen
        due = [o for o in self._open if o.shots >= self._verdict_shots]
        self._open = [o for o in self._open if o.shots < self._verdict_shots]
        for event in due:
            row = np.flatnonzero(cells["id"] == event.guest_id)
            if len(row) == 0:
                continue
            if event.kind == "merge":
                good = bool((cells["host"][row] != NOBODY).all())
            else:
                good = event.hits > 0
            kind = event.kind if good else "withdrawn"
            self._tell(kind, [event.guest_id], event.host_id if good else NOBODY, True)
            if not good and event.kind == "split":
                self._hide_again(cells, int(row[0]), event.host_id)

    def _hide_again(self, cells: Cells, guest: int, host_id: int) -> None:
        """Let a cell that had not come out after all go on in its host, if that is still there."""
        host = (cells["id"] == host_id).nonzero()[0]
        if len(host) == 0 or cells["missed"][guest] == 0 or cells["missed"][host[0]] > 0:
            return
        cells["host"][guest], cells["hides"][host] = host_id, True
        cells["offset"][guest] = cells["place"][guest] - cells["place"][host[0]]
        cells["velocity"][guest] = 0.0
        self._tell("merge", [int(cells["id"][guest])], host_id, True)

    def _follow(self, cells: Cells) -> None:
        """Take hidden cells where their hosts are; who lost its host is only missed."""
        guests = np.flatnonzero(cells["host"] != NOBODY)
        if len(guests) == 0:
            return
        rows = {name: row for row, name in enumerate(cells["id"].tolist())}
        for guest in guests.tolist():
            host = rows.get(int(cells["host"][guest]), -1)
            if host < 0 or cells["missed"][guest] > _MOST_SHOTS or not cells["hides"][host]:
                cells["host"][guest] = NOBODY
                continue
            cells["place"][guest] = cells["place"][host] + cells["offset"][guest]

    def _hide(self, cells: Cells, before: Cells, jitter: float, near: float) -> None:
        """Find the host of each cell that has just gone missing."""
        lost = (cells["missed"] == 1) & cells["is_sure"] & (cells["host"] == NOBODY)
        lost &= (cells["sightings"] >= _LEAST_SIGHTINGS) & ~cells["hides"]
        seen = np.flatnonzero((cells["missed"] == 0) & cells["is_sure"] & (before["area"] > 0))
        if not lost.any() or not np.isfinite(jitter):  # without areas nobody can tell
            return
        least = np.exp(jitter * max(_RARE - near, 0.0))
        seen = seen[cells["area_now"][seen] > least * before["area"][seen]]  # the others cannot be
        if len(seen) == 0:
            return
        rows = lost.nonzero()[0]
        size = max(_MOST_PAIRS // len(seen), 1)
        parts = [rows[k : k + size] for k in range(0, len(rows), size)]
        hosts = np.concatenate([_hosts(cells, before, p, seen, (jitter, near)) for p in parts])
        for row, host in zip(rows[hosts >= 0].tolist(), hosts[hosts >= 0].tolist(), strict=True):
            cells["host"][row], cells["hides"][host] = cells["id"][host], True
            cells["offset"][row] = before["place"][row] - cells["place"][host]
            cells["velocity"][row] = 0.0
            guest_id, host_id = int(cells["id"][row]), int(cells["id"][host])
            if any(o.kind == "split" and o.guest_id == guest_id for o in self._open):
                self._open = [o for o in self._open if o.guest_id != guest_id]
                self._tell("withdrawn", [guest_id], NOBODY, True)  # it had not come out after all
            self._tell("merge", [guest_id], host_id, False)
            self._open.append(Open("merge", guest_id, host_id))


def _hosts(
    cells: Cells,
    before: Cells,
    lost: NDArray[np.intp],
    seen: NDArray[np.intp],
    told: tuple[float, float],
) -> NDArray[np.intp]:
    """Return the row of the cell that each lost one is hidden in, (L,), -1 for none.

    Its area says it: likelier that of both than its own before (double exponentials); and its
    place: so near by chance few are. `told` is the jitter of areas, and what a place tells, nats.
    """
    area, alone = cells["area_now"][seen], before["area"][seen]
    off = cells["place"][seen] - before["place"][lost][:, None]
    odd = np.abs(np.log(area / (alone + before["area"][lost][:, None])))
    good = np.einsum("ijk,ijk->ij", off, off) < _REACH_RADII**2 * area / np.pi
    good &= (np.abs(np.log(area / alone)) - odd) / told[0] + told[1] > _RARE
    best = np.argmin(np.where(good, odd, np.inf), axis=1)
    return np.where(good.any(axis=1), seen[best], -1)
