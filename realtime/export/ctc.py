"""The layout of the Cell Tracking Challenge, which most programs for tracks and scores read.

::

    FOLDER/01/t000.tif               images: (Y, X) or (Z, Y, X)
    FOLDER/01_RES/mask000.tif        whose pixel it is: labels, uint16 (of a truth: 01_GT/TRA)
    FOLDER/01_RES/res_track.txt      label, first and last time point, label of the parent

The next field is 02. Names and columns: celltrackingchallenge.net, "Naming and file content
conventions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tifffile

from realtime.errors import RunFileError
from realtime.export.cells import WITHDRAWN
from realtime.export.discs import labels_of
from realtime.export.photometry import check_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.export.cells import FieldCells, Sighting
    from realtime.run_file import RunReader

MOST_LABELS = 65535  # the layout wants 16 bits
ZLIB_LEVEL = 1
"""The usual 6 takes 7 times as long and saves 1 % of camera noise (measured, 1024 x 1024)."""
USUAL_AREA_PX = 80.0  # of a cell that was never measured (proposed)


class Line(NamedTuple):
    """One tracklet: first and last time point are both its own; parent 0 is none."""

    label: int
    first: int
    last: int
    parent: int


def write_tracks(
    folder: Path,
    names: tuple[str, str],
    n_times: int,
    labels: Callable[[int], NDArray[np.uint16]],
    lines: Iterable[Line],
) -> None:
    """Write the labels of each time point, and the lines of the tracklets.

    Parameters
    ----------
    names
        Of the images and of the text, such as "mask" and "res_track".

    Raises
    ------
    RunFileError
        If there are more tracklets than labels.
    """
    lines = list(lines)
    if len(lines) > MOST_LABELS:
        raise RunFileError(
            f"{folder.name} has {len(lines)} tracklets, and this layout has room for "
            f"{MOST_LABELS}; use GEFF"
        )
    folder.mkdir(parents=True)
    for t in range(n_times):
        write_image(folder / f"{names[0]}{t:03d}.tif", labels(t))
    text = "".join(f"{x.label} {x.first} {x.last} {x.parent}\n" for x in lines)
    (folder / f"{names[1]}.txt").write_text(text, "ascii", newline="\n")


def write_image(path: Path, image: NDArray[np.uint16]) -> None:
    """Write one image as a TIFF that every program reads."""
    tifffile.imwrite(
        path,
        image,
        photometric="minisblack",
        compression="zlib",
        compressionargs={"level": ZLIB_LEVEL},
    )


def write_field(
    reader: RunReader, field: FieldCells, draft: Path, progress: Callable[[], object]
) -> int:
    """Write the cells that a run followed in one field, as discs of their area; return tracklets.

    A time point without a result has no image, and labels of nobody. False births are left out.
    """
    check_frames(field)
    name = f"{field.position + 1:02d}"
    lines, label_of = tracklets(field)
    kept = [[s for s in shot if (s.frame, s.cell) in label_of] for shot in field.sightings]
    shape = (field.shots[0][0].height, field.shots[0][0].width)
    shot_at = {t: shot for shot, t in enumerate(field.times)}
    (draft / name).mkdir(parents=True)

    def labels(t: int) -> NDArray[np.uint16]:
        if t not in shot_at:
            return np.zeros(shape, np.uint16)
        frames = field.shots[shot_at[t]]
        seqs = [i.seq for i in frames if i.index.c == frames[0].index.c]
        planes = [reader.pixels(seq) for seq in seqs]
        image = planes[0] if len(planes) == 1 else np.maximum.reduce(planes)
        write_image(draft / name / f"t{t:03d}.tif", image)
        progress()
        seen = kept[shot_at[t]]
        return labels_of(
            shape,
            [s.y_px for s in seen],
            [s.x_px for s in seen],
            [_radius_px(s) for s in seen],
            [label_of[s.frame, s.cell] for s in seen],
        )

    n_times = max(field.times) + 1
    write_tracks(draft / f"{name}_RES", ("mask", "res_track"), n_times, labels, lines)
    return len(lines)


def tracklets(field: FieldCells) -> tuple[list[Line], dict[tuple[int, int], int]]:
    """Return the tracklets of a field, and the label of each sighting by its shot and cell.

    Where a time point has no result, a cell goes on as another tracklet, whose parent is its
    earlier one.
    """
    lines: list[Line] = []
    label_of: dict[tuple[int, int], int] = {}
    last_label: dict[int, int] = {}
    tracks = field.tracks()
    for cell in sorted(tracks, key=lambda number: (tracks[number][0].frame, number)):
        if field.cells[cell].verdict == WITHDRAWN:
            continue
        parent = last_label.get(field.cells[cell].parent, 0)
        before = None
        for sighting in tracks[cell]:
            t = field.times[sighting.frame]
            if before is not None and t == before + 1:
                lines[-1] = lines[-1]._replace(last=t)
            else:
                parent = lines[-1].label if before is not None else parent
                lines.append(Line(len(lines) + 1, t, t, parent))
            label_of[sighting.frame, cell] = last_label[cell] = lines[-1].label
            before = t
    return lines, label_of


def _radius_px(seen: Sighting) -> float:
    area = seen.area_px if seen.area_px > 0 else USUAL_AREA_PX
    return float(np.sqrt(area / np.pi))
