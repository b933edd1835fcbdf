"""The biographies of all cells: who came from whom, how it ended, and the light each has taken."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.specimen.cells import Phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.simulated.specimen.cells import Nuclei

    Column = NDArray[np.float64]


class Ending(IntEnum):
    """How a cell's life ended."""

    OPEN = 0  # it lives
    DIVISION = 1
    DEATH = 2
    GONE = 3  # it was well, and at the next look it was not there


LINEAGE = np.dtype(
    [
        ("id", "<i8"),
        ("parent", "<i8"),  # -1: a founder
        ("key", "<u8"),  # the same lineage has the same key in every run with this seed
        ("born_s", "<f8"),
        ("end_s", "<f8"),  # when it divided, or began to die; NaN while it lives
        ("ending", "<i1"),
    ]
)


class Lineages:
    """Follows a specimen by looking at it often enough that nobody is born and divides unseen.

    Parameters
    ----------
    n_lines
        Lines of light whose dose is kept apart.
    """

    def __init__(self, n_lines: int) -> None:
        self._rows = np.zeros(0, LINEAGE)  # the place of a cell is its id: ids count from 0
        self._dose = np.zeros((0, n_lines))
        self._known = np.zeros(0, bool)
        self._present = np.zeros(0, np.int64)

    def rows(self) -> NDArray[np.void]:
        """Return everybody who was ever seen, by id."""
        return self._rows[self._known]

    def counts(self) -> tuple[int, int, int]:
        """Return how many cells ever lived, how many divided, and how many died."""
        endings = self.rows()["ending"]
        divided, died = endings == Ending.DIVISION, endings == Ending.DEATH
        return len(endings), int(divided.sum()), int(died.sum())

    def look(self, nuclei: Nuclei, t_s: float, dose_j_cm2: Column | None = None) -> Column:
        """Take note of all cells of a specimen.

        Parameters
        ----------
        t_s
            Experiment time, s; it only goes forward.
        dose_j_cm2
            What each cell has just taken, (n, lines) J/cm2; None: nothing.

        Returns
        -------
        Column
            What each has taken in its life and, before it, its mothers, (n, lines) J/cm2.
        """
        ids = nuclei.ids
        self._make_room(int(ids.max(initial=-1)) + 1)
        self._welcome(nuclei)
        self._mourn(np.setdiff1d(self._present, ids, assume_unique=True), Ending.GONE, t_s)
        self._present = ids
        self._mourn(ids[nuclei.phase >= Phase.DYING], Ending.DEATH, t_s)
        if dose_j_cm2 is not None:
            self._dose[ids] += dose_j_cm2
        taken: Column = self._dose[ids]
        return taken

    def _make_room(self, n: int) -> None:
        more = max(n, 2 * len(self._rows)) - len(self._rows)
        if n > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros(more, LINEAGE)])
            self._dose = np.concatenate([self._dose, np.zeros((more, self._dose.shape[1]))])
            self._known = np.concatenate([self._known, np.zeros(more, bool)])

    def _welcome(self, nuclei: Nuclei) -> None:
        new = ~self._known[nuclei.ids]
        if not new.any():
            return
        ids, parents = nuclei.ids[new], nuclei.parents[new]
        rows = np.zeros(len(ids), LINEAGE)
        rows["id"], rows["parent"], rows["key"] = ids, parents, nuclei.keys[new]
        rows["born_s"], rows["end_s"] = nuclei.born_s[new], np.nan
        self._rows[ids] = rows
        self._known[ids] = True
        is_child = parents >= 0
        self._dose[ids[is_child]] = self._dose[parents[is_child]]
        mothers = self._rows[parents[is_child]]
        mothers["ending"], mothers["end_s"] = Ending.DIVISION, rows["born_s"][is_child]
        self._rows[parents[is_child]] = mothers

    def _mourn(self, ids: NDArray[np.int64], ending: Ending, t_s: float) -> None:
        ids = ids[self._rows["ending"][ids] == Ending.OPEN]
        self._rows["ending"][ids], self._rows["end_s"][ids] = ending, t_s
