"""Labels of cells: a table that says of what kind some cells of a run are."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from realtime.errors import KindsError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 64 << 20


class Label(NamedTuple):
    """What a person said: which cell, at which time point (None: all its life), which kind."""

    position: int
    cell: int
    t: int | None
    kind: str


def read_labels(path: Path) -> list[Label]:
    """Read a table with the columns cell and kind, and position and t where they are needed.

    Cells have the names of `lightloop export --tracks csv`. A row without a t is of the cell's
    whole life. Rows without a kind are left out, so the exported table itself may be filled in.

    Raises
    ------
    KindsError
        If the table cannot be read, or a cell is said to be two kinds at once.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise KindsError(f"{path}: is larger than {MOST_BYTES >> 20} MB: label fewer cells")
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if missing := {"cell", "kind"} - set(rows.fieldnames or ()):
                raise KindsError(
                    f"{path}: labels need a column {' and a column '.join(sorted(missing))}; it "
                    f"has {', '.join(rows.fieldnames or ()) or 'none'}"
                )
            found = [
                _label(path, rows.line_num, row) for row in rows if (row["kind"] or "").strip()
            ]
    except FileNotFoundError as error:
        raise KindsError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise KindsError(f"{path}: cannot be read as a table of labels: {error}") from error
    said: dict[tuple[int, int, int | None], str] = {}
    for label in found:
        before = said.setdefault(label[:3], label.kind)
        if before != label.kind:
            raise KindsError(f"{path}: cell {label.cell} is both {before!r} and {label.kind!r}")
    if not found:
        raise KindsError(f"{path}: no row names a kind")
    return found


def _label(path: Path, line: int, row: dict[str, str | None]) -> Label:
    try:
        t = (row.get("t") or "").strip()
        position = int((row.get("position") or "0").strip())
        cell = int((row["cell"] or "").strip())
        return Label(position, cell, int(t) if t else None, (row["kind"] or "").strip())
    except ValueError as error:
        raise KindsError(
            f"{path}, line {line}: cell, t and position are numbers: {error}"
        ) from error
