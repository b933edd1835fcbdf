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

from realtime.export.ctc import Line, write_image, write_tracks
from realtime.export.whole import new_folder
from realtime.truth.tracks import FieldTruth, positions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.run_file import RunReader
    from realtime.truth.reader import TruthReader


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
            name = f"{position + 1:02d}"
            _write_field(field, draft / f"{name}_GT" / "TRA")
            if run is not None:
                _write_images(field, draft / name, run)
            count += len(field.tracklets)
    return count


def _write_field(field: FieldTruth, folder: Path) -> None:
    known = {frame.t: k for k, frame in enumerate(field.frames)}
    empty = np.zeros_like(field.mask(0), np.uint16)
    write_tracks(
        folder,
        ("man_track", "man_track"),
        field.n_times,
        lambda t: _relabelled(field, known[t]) if t in known else empty,
        (Line(one.label, one.first, one.last, one.parent) for one in field.tracklets),
    )


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
        image = planes[0] if len(planes) == 1 else np.stack(planes)
        write_image(folder / f"t{frame.t:03d}.tif", image)
