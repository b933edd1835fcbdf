"""GEFF, the Graph Exchange File Format: one node for each cell at each time.

Format: github.com/live-image-tracking-tools/geff. Places are in pixels (and planes), and the axes
say how large those are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.errors import RunFileError
from realtime.export.cells import WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.export.track_table import FieldTable

MISSING = 'GEFF needs one more package: pip install "geff>=1.3"'


def check_installed() -> None:
    """Say how to get the package, before any work is done.

    Raises
    ------
    RunFileError
        If it is missing.
    """
    try:
        import geff.core_io  # noqa: F401
    except ImportError as error:
        raise RunFileError(MISSING) from error


def write_graph(
    folder: Path,
    columns: Mapping[str, NDArray[Any]],
    edges: NDArray[np.uint64],
    pixel_um: float | None,
    plane_um: float | None,
    extra: Mapping[str, Any],
    labels: tuple[str, str] | None = None,
) -> None:
    """Write a graph whose edges lead forward in time.

    Parameters
    ----------
    columns
        What is known of each node; "t", "y", "x", and "z" in a stack.
    pixel_um, plane_um
        Size of a pixel and distance of planes at the sample; None: not known.
    labels
        Path of an image of labels, seen from the graph, and the column with a node's label.

    Raises
    ------
    RunFileError
        If the package is missing.
    """
    check_installed()
    from geff.core_io import write_arrays
    from geff_spec import Axis, GeffMetadata, RelatedObject

    axes = [Axis(name="t", type="time", unit="frame")]
    for name, size_um in (("z", plane_um), ("y", pixel_um), ("x", pixel_um)):
        if name in columns:
            sized = {} if size_um is None else {"scale": size_um, "scaled_unit": "micrometer"}
            axes.append(Axis(name=name, type="space", unit="pixel", **sized))
    more: dict[str, Any] = {}
    if labels is not None:
        related = RelatedObject(type="labels", path=labels[0], node_prop=labels[1])
        more["related_objects"] = [related]
    metadata = GeffMetadata(
        directed=True,
        axes=axes,
        node_props_metadata={},
        edge_props_metadata={},
        extra=dict(extra),
        **more,
    )
    props = {name: {"values": values, "missing": None} for name, values in columns.items()}
    write_arrays(folder, np.arange(len(columns["t"]), dtype=np.uint64), props, edges, {}, metadata)


def links(names: Iterable[int], parents: Mapping[int, int]) -> NDArray[np.uint64]:
    """Return the edges between nodes, (n, 2): from a node to the one that it becomes.

    Parameters
    ----------
    names
        Who each node is, in order of time.
    parents
        Whom a name goes on from.
    """
    last_node: dict[int, int] = {}
    edges: list[tuple[int, int]] = []
    for node, name in enumerate(names):
        source = last_node.get(name, last_node.get(parents.get(name, -1)))
        if source is not None:
            edges.append((source, node))
        last_node[name] = node
    return np.array(edges, np.uint64).reshape(-1, 2)


def write_field(folder: Path, table: FieldTable, about: Mapping[str, Any]) -> int:
    """Write the cells that a run followed in one field; false births are left out. Return nodes."""
    rows = [row for row in table.rows() if row["verdict"] != WITHDRAWN]
    columns = {name: _column([row[name] for row in rows]) for name in rows[0]} if rows else {}
    axes = {"y_px": "y", "x_px": "x"}
    is_deep = "z_px" in columns and bool(np.isfinite(columns["z_px"]).all())
    axes |= {"z_px": "z"} if is_deep else {}
    columns = {axes.get(name, name): of for name, of in columns.items()}
    if not columns:
        columns = {name: np.empty(0) for name in ("t", "y", "x")}
    parents = {cell.number: cell.parent for cell in table.field.cells.values()}
    edges = links([row["cell"] for row in rows], parents)
    plane_um = table.pixel_um if is_deep else None  # heights are in pixels, too
    write_graph(folder, columns, edges, table.pixel_um, plane_um, about)
    return len(rows)


def _column(values: Sequence[Any]) -> NDArray[Any]:
    if all(isinstance(value, bool | int) for value in values):
        return np.array(values, np.int64)
    if all(isinstance(value, bool | int | float) for value in values):
        return np.array(values, np.float64)
    return np.array([str(value) for value in values])
