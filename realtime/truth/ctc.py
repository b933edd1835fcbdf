"""The truth in the layout of the Cell Tracking Challenge, which most programs for scores read.

::

    FOLDER/01/t000.tif                       images, if the run is at hand: (Y, X) or (Z, Y, X)
    FOLDER/01_GT/TRA/man_track000.tif        whose nucleus: labels, uint16
    FOLDER/01_GT/TRA/man_track.txt           label, first and last time point, label of the parent

The next field is 02. Names and columns: celltrackingchallenge.net, "Naming and file content
conventions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

from realtime.errors import RunFileError
from realtime.truth.folder import new_folder
from realtime.truth.tracks import FieldTruth, positions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.run_file import RunReader
    from realtime.truth.reader import TruthReader

MOST_LABELS = 65535  # the layout wants 16 bits


def export_ctc(truth: TruthReader, folder: Path, run: RunReader | None = None) -> int:
    """Write every field of a truth; return the number of tracklets.

    Parameters
    ----------
    folder
        It must not exist; it appears when it is whole.
    run
        The run that the truth belongs to, for the images.

    Raises
    ------
    RunFileError
        If the folder exists or cannot be written, or there are more cells than labels.
    """
    count = 0
    with new_folder(folder) as draft:
        for position in positions(truth):
            field = FieldTruth(truth, position)
            if len(field.tracklets) > MOST_LABELS:
                raise RunFileError(
                    f"field {position} has {len(field.tracklets)} tracklets, and this layout has "
                    f"room for {MOST_LABELS}; use GEFF"
                )
            name = f"{position + 1:02d}"
            _write_field(field, draft / f"{name}_GT" / "TRA")
            if run is not None:
                _write_images(field, draft / name, run)
            count += len(field.tracklets)
    return count


def _write_field(field: FieldTruth, folder: Path) -> None:
    folder.mkdir(parents=True)
    known = {frame.t: k for k, frame in enumerate(field.frames)}
    empty = np.zeros_like(field.mask(0), np.uint16)
    for t in range(field.n_times):
        labels = _relabelled(field, known[t]) if t in known else empty
        _write(folder / f"man_track{t:03d}.tif", labels)
    lines = [f"{one.label} {one.first} {one.last} {one.parent}\n" for one in field.tracklets]
    (folder / "man_track.txt").write_text("".join(lines), "ascii", newline="\n")


def _relabelled(field: FieldTruth, k: int) -> NDArray[np.uint16]:
    mask = field.mask(k)
    labels = np.zeros(int(mask.max()) + 1, np.uint16)
    for cell, label in field.labels(k).items():
        labels[cell + 1] = label
    relabelled: NDArray[np.uint16] = labels[mask]
    return relabelled


def _write_images(field: FieldTruth, folder: Path, run: RunReader) -> None:
    folder.mkdir(parents=True)
    table = field.truth.exposures
    for frame in field.frames:
        planes = [run.pixels(int(table["seq"][one])) for one in frame.exposures]
        _write(folder / f"t{frame.t:03d}.tif", planes[0] if len(planes) == 1 else np.stack(planes))


def _write(path: Path, image: NDArray[np.uint16]) -> None:
    tifffile.imwrite(path, image, photometric="minisblack", compression="zlib")
