"""Writes the truth of a run, so that it can be read whatever happens to the writer."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from acquire.in_place import put_in_place
from acquire.simulated.truth import Chip, instance_mask
from realtime.errors import RunFileError
from realtime.truth import layout
from realtime.truth.images import pack, rounded
from realtime.truth.rows import cells_of, exposure_of, spots_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from acquire.frame import FrameInfo
    from acquire.simulated.truth import Seen
    from realtime.truth.layout import About


class TruthWriter:
    """Writes one truth file.

    Parameters
    ----------
    path
        The file; it must not exist.

    Raises
    ------
    RunFileError
        If it exists, or cannot be written.
    """

    def __init__(self, path: Path, about: About) -> None:
        self.path = path
        self._about = about
        self._chip = Chip(about.height, about.width, about.pixel_um)
        self._unnamed: dict[int, NDArray[np.void]] = {}  # written when it is known which frame came
        self._named: list[NDArray[np.void]] = []
        self._cells: list[NDArray[np.void]] = []
        self._spots: list[NDArray[np.void]] = []
        self._n_exposures = self._n_cells = self._n_spots = self._n_images = self._n_lineages = 0
        if path.exists():
            raise RunFileError(f"{path} exists already; a truth is never overwritten")
        pack(np.zeros((1, 1), np.float32))  # the codec takes half a second to wake up
        self._file: Any = None
        with self._writing():
            draft = path.with_name(path.name + ".new")  # whole before it has its name
            with h5py.File(draft, "w", libver=layout.HDF5_VERSIONS) as file:
                layout.create(file, about)
            put_in_place(draft, path)
            self._file = h5py.File(path, "r+", libver=layout.HDF5_VERSIONS)
            self._file.swmr_mode = True

    def exposure(self, number: int, seen: Seen, taken_j_cm2: NDArray[np.float64]) -> None:
        """Take an exposure and all that is known of it; `name` or `skip` finishes it.

        Parameters
        ----------
        number
            Of the camera's exposures, from 0.
        taken_j_cm2
            Dose of each cell so far, (n, lines) J/cm2.
        """
        mask = instance_mask(seen, self._chip)
        cells = cells_of(seen, self._chip, taken_j_cm2, mask)
        spots = spots_of(seen, self._chip)
        row = exposure_of(number, seen, self._about.lines)
        row["image_row"], row["first_cell"] = self._n_images, self._n_cells
        row["n_cells"], row["first_spot"], row["n_spots"] = len(cells), self._n_spots, len(spots)
        with self._writing():
            self._append_image("masks", mask)
            self._append_image("expected_e", rounded(seen.expected_e))
        self._n_images += 1
        self._n_cells += len(cells)
        self._n_spots += len(spots)
        self._cells.append(cells)
        self._spots.append(spots)
        self._unnamed[number] = row

    def missed(self, row: NDArray[np.void]) -> None:
        """Take an exposure (`exposure_of`) without image and cells: there was no time for them."""
        row["first_cell"], row["first_spot"] = self._n_cells, self._n_spots
        self._unnamed[int(row["number"])] = row

    def name(self, number: int, info: FrameInfo) -> None:
        """Say which frame of the run came of an exposure."""
        row = self._unnamed[number]
        row["seq"] = info.seq
        row["t"], row["c"], row["z"], row["p"] = (
            info.index.t, info.index.c, info.index.z, info.index.p
        )  # fmt: skip
        self._finish(number)

    def skip(self, number: int) -> None:
        """Say that no frame came of an exposure."""
        self._finish(number)

    def flush(self, lineages: NDArray[np.void]) -> None:
        """Make safe what is finished.

        Parameters
        ----------
        lineages
            Everybody who ever lived, `acquire.simulated.specimen.lineages.LINEAGE` rows.
        """
        with self._writing():
            for name in ("masks", "expected_e"):
                self._file[name].id.flush()
            self._append("exposures", self._named, self._n_exposures)
            n_cells = self._n_cells - sum(map(len, self._cells))
            self._append("cells", self._cells, n_cells)
            self._append("spots", self._spots, self._n_spots - sum(map(len, self._spots)))
            self._append("lineages", [lineages], 0)
            self._n_exposures += len(self._named)
            counts = (self._n_exposures, self._n_cells, self._n_spots, len(lineages))
            self._file["commit"][()] = np.array(counts, layout.COMMIT)
            self._file["commit"].id.flush()
        self._named.clear()
        self._cells.clear()
        self._spots.clear()

    @property
    def pending(self) -> int:
        """Finished exposures that are not yet safe."""
        return len(self._named)

    def close(self, lineages: NDArray[np.void], status: str = layout.PARTIAL) -> None:
        """Flush, say how the run ended ("complete" or "partial"), and close. May be called twice.

        Raises
        ------
        RunFileError
            If the disk takes no more.
        """
        if self._file is None or not self._file.id.valid:
            return
        for number in sorted(self._unnamed):
            self._finish(number)
        try:
            self.flush(lineages)
            with self._writing():
                self._file["status"][()] = status
        finally:
            self.abandon()
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())

    def abandon(self) -> None:
        """Close the file as it is. May be called twice."""
        if self._file is not None and self._file.id.valid:
            with self._writing():
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def _finish(self, number: int) -> None:
        self._named.append(self._unnamed.pop(number))

    def _append_image(self, name: str, image: NDArray[Any]) -> None:
        data = self._file[name]
        chip = data.shape[1:]
        if image.shape != chip:  # a region lies in the corner, as in a run file
            whole = np.zeros(chip, image.dtype)
            whole[: image.shape[0], : image.shape[1]] = image
            image = whole
        data.resize(self._n_images + 1, axis=0)
        data.id.write_direct_chunk((self._n_images, 0, 0), pack(image))

    def _append(self, name: str, rows: list[NDArray[np.void]], at: int) -> None:
        if not rows:
            return
        data = self._file[name]
        values = np.concatenate([np.atleast_1d(row) for row in rows])
        data.resize(at + len(values), axis=0)
        data[at:] = values
        data.id.flush()

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            why = str(error).splitlines()[0]
            raise RunFileError(f"the truth cannot be written to {self.path}: {why}") from error
