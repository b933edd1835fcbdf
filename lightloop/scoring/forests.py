"""Family trees read from the files of others: a GEFF graph, a table, or bare links."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from realtime.errors import RunFileError
from realtime.export.tracks_forest import Forest
from realtime.tracker.lineage import ROW

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def forest_of_geff(path: Path) -> Forest:
    """Read a GEFF graph.

    Raises
    ------
    RunFileError
        If it cannot be read, or does not say where and when its nodes are.
    """
    from realtime.export.geff import check_installed

    check_installed()
    import geff

    inner = path / "tracks"  # a truth in a Zarr folder keeps its labels beside it
    folder = inner if inner.is_dir() else path
    try:
        graph, about = geff.read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFileError(
            f"{path.name} is no folder of the Cell Tracking Challenge (with man_track.txt or "
            f"res_track.txt) and no GEFF graph: {str(error).splitlines()[0]}"
        ) from error
    axes = {axis.type: axis.name for axis in about.axes or ()}
    space = [axis.name for axis in about.axes or () if axis.type == "space"]
    if "time" not in axes or not 2 <= len(space) <= 3:
        raise RunFileError(f"{path.name} does not say which of its columns are time and place")
    nodes = sorted(graph.nodes, key=lambda node: (graph.nodes[node][axes["time"]], node))
    number = {node: n for n, node in enumerate(nodes)}
    rows = np.zeros(len(nodes), ROW)
    for n, node in enumerate(nodes):
        of = graph.nodes[node]
        rows[n]["t"] = int(of[axes["time"]])
        for name, axis in zip(space, "zyx"[-len(space) :], strict=True):
            rows[n][axis] = of[name]
        rows[n]["area_px"] = of.get("area_px", 0.0)
    edges = [(number[a], number[b]) for a, b in graph.edges]
    return forest_of_edges(rows, edges)


def forest_of_edges(rows: NDArray[np.void], edges: list[tuple[int, int]]) -> Forest:
    """Return the forest of linked rows: a cell goes on until it divides or merges.

    Raises
    ------
    RunFileError
        If a link does not lead forward in time.
    """
    before: dict[int, list[int]] = {}
    after: dict[int, int] = {}
    for a, b in edges:
        if rows[a]["t"] >= rows[b]["t"]:
            raise RunFileError(f"a link leads from t = {rows[a]['t']} to t = {rows[b]['t']}")
        before.setdefault(b, []).append(a)
        after[a] = after.get(a, 0) + 1
    mothers: dict[int, int] = {}
    for n in range(len(rows)):
        sources = before.get(n, [])
        if len(sources) == 1 and after[sources[0]] == 1:
            rows[n]["cell"] = rows[sources[0]]["cell"]
            continue
        rows[n]["cell"] = n
        if sources:  # of a merge, one parent is all that a tree can tell
            mothers[n] = int(rows[sources[0]]["cell"])
    return Forest(rows, mothers, int(rows["t"].max(initial=-1)) + 1, (0, 0))


def forest_of_table(path: Path) -> Forest:
    """Read a table of `lightloop track`.

    Raises
    ------
    RunFileError
        If it lacks a column, or a cell of it is no number.
    """
    wanted = ("cell", "parent", "t", "y_px", "x_px")
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        if not set(wanted) <= set(table.fieldnames or ()):
            raise RunFileError(f"{path.name} lacks one of the columns {', '.join(wanted)}")
        try:
            read = [
                (
                    int(row["t"]), int(row["cell"]), float(row.get("z_px") or 0),
                    float(row["y_px"]), float(row["x_px"]), float(row.get("area_px") or 0),
                    0.0, 1.0, 1,
                )
                for row in table
            ]  # fmt: skip
        except ValueError as error:
            raise RunFileError(f"{path.name}: {error}") from error
    with path.open(newline="", encoding="utf-8-sig") as file:
        parents = {int(row["cell"]): int(row["parent"]) for row in csv.DictReader(file)}
    rows = np.sort(np.array(read, ROW), order=("t", "cell"))
    mothers = {cell: parent for cell, parent in parents.items() if parent >= 0}
    return Forest(rows, mothers, int(rows["t"].max(initial=-1)) + 1, (0, 0))
