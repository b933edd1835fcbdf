"""The truth as GEFF, the Graph Exchange File Format: one node for each cell in each frame.

::

    FOLDER/tracks    the graph: nodes, edges forward in time, and what is known of each node
    FOLDER/labels    (T, [Z,] Y, X) uint32: the `label` of the node whose nucleus a pixel shows

Format: github.com/live-image-tracking-tools/geff. Places are in pixels and planes, as in the
labels, and the axes say how large those are. traccuracy 0.4 reads it by
``load_geff_data("FOLDER/tracks", seg_path="FOLDER/labels", seg_property="label")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.export.geff import check_installed, links, write_graph
from realtime.export.whole import new_folder
from realtime.truth.tracks import FieldTruth

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.truth.reader import TruthReader

GRAPH, LABELS = "tracks", "labels"


def export_geff(truth: TruthReader, folder: Path, position: int = 0) -> int:
    """Write one field of a truth; return the number of nodes.

    Parameters
    ----------
    folder
        A Zarr folder, such as run.zarr; it must not exist, and appears when it is whole.
    position
        Which field, the p of the plan.

    Raises
    ------
    RunFileError
        If the package `geff` is missing, or the folder exists or cannot be written.
    """
    check_installed()
    field = FieldTruth(truth, position)
    nodes = _nodes(field)
    parents = {one.label: one.parent for one in field.tracklets}
    edges = links(nodes["tracklet"].tolist(), parents)
    about = {"origin": "lightloop truth", "session_id": truth.about.session_id}
    step_um = _planes_um(field)[1] if field.n_planes > 1 else None
    with new_folder(folder) as draft:
        _write_labels(field, draft / LABELS)
        write_graph(
            draft / GRAPH,
            nodes,
            edges,
            truth.about.pixel_um,
            step_um,
            about,
            labels=(f"../{LABELS}", "label"),
        )
    return len(nodes["t"])


def _nodes(field: FieldTruth) -> dict[str, NDArray[Any]]:
    """Return the columns of the nodes, frame after frame."""
    rows = [field.cells(k) for k in range(len(field.frames))]
    cells = np.concatenate(rows)
    times = np.repeat([frame.t for frame in field.frames], [len(one) for one in rows])
    labels = [field.labels(k)[cell] for k, one in enumerate(rows) for cell in one["id"].tolist()]
    columns: dict[str, NDArray[Any]] = {"t": times.astype(np.int64)}
    if field.n_planes > 1:
        bottom_um, step_um = _planes_um(field)
        columns["z"] = (cells["z_um"] - bottom_um) / step_um
    columns |= {
        "y": cells["y_px"].astype(np.float64),
        "x": cells["x_px"].astype(np.float64),
        "label": (cells["id"] + 1).astype(np.int64),
        "tracklet": np.array(labels, np.int64),
        "parent_cell": cells["parent"].astype(np.int64),
        "phase": cells["phase"].astype(np.int64),
        "long_um": cells["long_um"].astype(np.float64),
        "short_um": cells["short_um"].astype(np.float64),
        "dye": cells["dye"].astype(np.float64),
        "damage_j_cm2": cells["damage_j_cm2"].astype(np.float64),
    }
    for n, line in enumerate(field.truth.about.lines):
        columns[f"dose_j_cm2_{line}"] = cells["dose_j_cm2"][:, n].astype(np.float64)
    return columns


def _planes_um(field: FieldTruth) -> tuple[float, float]:
    """Return the height of the lowest plane and the distance between planes, um."""
    heights = field.truth.exposures["z_um"][list(field.frames[0].exposures)]
    return float(heights[0]), float(heights[1] - heights[0])


def _write_labels(field: FieldTruth, folder: Path) -> None:
    import zarr

    shape = (field.n_times, *field.mask(0).shape)
    labels = zarr.create_array(
        folder, shape=shape, chunks=(1, *shape[1:]), dtype=np.uint32, zarr_format=2
    )
    for k, frame in enumerate(field.frames):
        labels[frame.t] = field.mask(k)
