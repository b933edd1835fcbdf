"""Reads a truth file: finished, or left by a writer that died."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin  # noqa: F401  # registers the codec
import numpy as np

from realtime.errors import RunFileError
from realtime.truth import layout
from realtime.truth.layout import About

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

# What h5py raises on damaged bytes.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)


class TruthReader:
    """The truth of a run.

    Attributes
    ----------
    about
        What it is the truth of.
    status
        "complete", "partial", or "recording": its writer still writes, or died.
    exposures, lineages
        Tables with the columns of `realtime.truth.layout`.

    Raises
    ------
    RunFileError
        If the file is missing, damaged, or no truth of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise RunFileError(f"there is no truth file {path}")
        with self._reading():
            self._file: Any = _open(path)
        try:
            with self._reading():
                self._read_tables()
        except RunFileError:
            self.close()
            raise

    def cells(self, exposure: int) -> NDArray[np.void]:
        """Return the cells that touch the image of an exposure (its place in the table)."""
        return self._rows("cells", "cell", exposure)

    def spots(self, exposure: int) -> NDArray[np.void]:
        """Return the sub-resolution spots in the image of an exposure."""
        return self._rows("spots", "spot", exposure)

    def mask(self, exposure: int) -> NDArray[np.uint32]:
        """Return whose nucleus each pixel shows, (Y, X) uint32: id + 1, or 0 for nobody's."""
        mask: NDArray[np.uint32] = self._image("masks", exposure)
        return mask

    def expected_e(self, exposure: int) -> NDArray[np.float32]:
        """Return the photo-electrons that the camera could expect, (Y, X) float32: no noise."""
        image: NDArray[np.float32] = self._image("expected_e", exposure)
        return image

    def of_frame(self, seq: int) -> int:
        """Return the place in the table of the exposure that a frame of the run came of.

        Raises
        ------
        RunFileError
            If there is none.
        """
        found = np.flatnonzero(self.exposures["seq"] == seq)
        if not len(found):
            raise RunFileError(f"{self.path.name} knows nothing of frame {seq}")
        return int(found[0])

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_tables(self) -> None:
        file = self._file
        if file.attrs.get("format") != layout.FORMAT:
            raise RunFileError(
                f"{self.path.name} is no truth file of lightloop, and none lies beside it: "
                "a simulated run writes one with --truth"
            )
        version = int(file.attrs["format_version"])
        if version > layout.FORMAT_VERSION:
            raise RunFileError(
                f"{self.path.name} has format version {version}, this lightloop reads up to "
                f"{layout.FORMAT_VERSION}: please update lightloop"
            )
        commit = file["commit"][()]
        self.status: str = file["status"][()].decode()
        self.about = About(
            str(file.attrs["session_id"]),
            str(file["config"].asstr()[()]),
            int(file.attrs["height"]),
            int(file.attrs["width"]),
            float(file.attrs["pixel_um"]),
            tuple(str(line) for line in file.attrs["lines"]),
        )
        self.exposures: NDArray[np.void] = file["exposures"][: commit["n_exposures"]]
        self.lineages: NDArray[np.void] = file["lineages"][: commit["n_lineages"]]

    def _rows(self, name: str, what: str, exposure: int) -> NDArray[np.void]:
        row = self.exposures[exposure]
        first = int(row[f"first_{what}"])
        with self._reading():
            rows: NDArray[np.void] = self._file[name][first : first + int(row[f"n_{what}s"])]
            return rows

    def _image(self, name: str, exposure: int) -> NDArray[Any]:
        row = self.exposures[exposure]
        if row["image_row"] < 0:
            raise RunFileError(
                f"{self.path.name} has no image of exposure {row['number']}: there was no time to "
                "write it"
            )
        with self._reading():
            image: NDArray[Any] = self._file[name][
                int(row["image_row"]), : int(row["height"]), : int(row["width"])
            ]
            return image

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except RunFileError:
            raise
        except _DAMAGE as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunFileError(f"{self.path.name} is no whole truth file: {why}") from error


def _open(path: Path) -> h5py.File:
    """Open a file that is complete, or left by a writer that died: byte 11 says which."""
    with path.open("rb") as file:
        head = file.read(12)
    return h5py.File(path, "r", swmr=len(head) == 12 and bool(head[11]))
