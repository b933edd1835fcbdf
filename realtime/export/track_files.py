"""Tracks in files: a table, a graph for each field, or the layout of the challenge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from realtime.errors import RunFileError
from realtime.export import geff
from realtime.export.cell_reading import field_cells
from realtime.export.ctc import write_field
from realtime.export.frames import write_csv
from realtime.export.photometry import check_frames
from realtime.export.track_table import CORRECTED, field_table
from realtime.export.tracks_forest import forest_of
from realtime.export.tracks_formats import Format, write_forest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from realtime.export.cells import FieldCells
    from realtime.export.steps import Steps
    from realtime.export.track_table import FieldTable
    from realtime.export.tracks_forest import Forest
    from realtime.export.values import Normaliser
    from realtime.export.whole import Outputs
    from realtime.run_file import RunReader


METHOD = {
    "<channel>_e": "photo-electrons above background in the cell's disc, from the raw frames, "
    "offset and flat field taken off, mean over the channel's frames of the shot",
    "<channel>_e_per_...": "the same over the dose of these frames: it stays when the light moves",
    f"<channel>_e_per_..._{CORRECTED}": "a model: fading is taken to be one exponential of the "
    "dose of the channel's light, the same for all cells of a field",
    "as_seen_e": "what the run itself saw, in the restored image, while it ran",
    "cell_dose_...": "what the cell has taken in this run, its mother's included",
    "z_um": "height above the first plane of the plan's stack, the middle of the cell's light; its "
    "standard deviation is z_sd_um",
    "p_<kind>": "probability that the cell is of this kind, by all images so far",
    "verdict": "final; provisional: the run ended before it was known; withdrawn: no cell after "
    "all, and left out of graphs and masks",
    "is_seen": "0: the cell was missed, and is where it was expected",
}


def write_tracks(
    reader: RunReader,
    normaliser: Normaliser,
    so_far: Mapping[int, float],
    kinds: Sequence[str],
    out: Outputs,
    base: Path,
    steps: Steps,
) -> None:
    """Write the cells that a run followed.

    Parameters
    ----------
    kinds
        Of "csv", "geff", "ctc", "trackmate" and "napari".
    base
        What the names begin with.

    Raises
    ------
    RunFileError
        If the run followed no cells.
    """
    if "geff" in kinds:
        geff.check_installed()
    fields = [field for field in field_cells(reader) if field.shots]
    if not any(field.cells for field in fields):
        raise RunFileError(
            f"{reader.name} followed no cells, so there are no tracks to export; lightloop track "
            f"{reader.name} follows them now"
        )
    for field in fields:
        check_frames(field)
    wants_table = bool({"csv", "geff"} & set(kinds))
    steps.expect(sum(len(f.shots) for f in fields) * (wants_table + ("ctc" in kinds)))
    if wants_table:
        tables = [field_table(reader, normaliser, f, so_far, steps.step) for f in fields]
        _write_tables(reader, tables, kinds, out, base)
    _write_forests(reader, fields, kinds, out, base)
    if "ctc" in kinds:
        draft = out.new(_named(base, ".tracks.ctc"))
        draft.mkdir()
        for field in fields:
            write_field(reader, field, draft, steps.step)


def _write_tables(
    reader: RunReader, tables: list[FieldTable], kinds: Sequence[str], out: Outputs, base: Path
) -> None:
    about = _about(reader, tables)
    if "csv" in kinds:
        write_csv(out.new(_named(base, ".tracks.csv")), *(table.rows for table in tables))
        text = json.dumps(about, indent=1, allow_nan=False)
        out.new(_named(base, ".tracks.json")).write_text(text + "\n", "utf-8")
    for table in tables if "geff" in kinds else ():
        p = f".p{table.field.position}" if len(tables) > 1 else ""
        geff.write_field(out.new(_named(base, f"{p}.tracks.geff")), table, about)


def _write_forests(
    reader: RunReader, fields: list[FieldCells], kinds: Sequence[str], out: Outputs, base: Path
) -> None:
    for kind, end in (("trackmate", "xml"), ("napari", "npz")):
        for field in fields if kind in kinds else ():
            p = f".p{field.position}" if len(fields) > 1 else ""
            draft = out.new(_named(base, f"{p}.tracks.{end}"))
            write_forest(draft, Format(kind), _forest(reader, field))


def _forest(reader: RunReader, field: FieldCells) -> Forest:
    camera = field.shots[0][0].camera
    pixel_um = next(c.pixel_um for c in reader.start.cameras if c.label == camera)
    return forest_of(field, pixel_um, reader.name)


def _named(base: Path, end: str) -> Path:
    return base.with_name(base.name + end)


def _about(reader: RunReader, tables: Sequence[FieldTable]) -> dict[str, Any]:
    """Return what a reader of a table must know beside it, ready for JSON."""
    start = reader.start
    return {
        "origin": "lightloop run",
        "session_id": start.session_id,
        "dose_unit": start.dose_unit,
        "camera_calibration": start.cameras[0].calibration.source,
        "status": reader.status,
        "columns": METHOD,
        "fading": {
            f"position {table.field.position}": {
                table.channels[c]: {"per_dose": _number(fade.rate), "error": _number(fade.error)}
                for c, fade in table.fading.items()
            }
            for table in tables
        },
        "shots_without_a_frame": {
            f"position {t.field.position}": t.field.left_out for t in tables if t.field.left_out
        },
        "gaps": [[gap.seq_from, gap.seq_to, gap.reason] for gap in reader.gaps],
    }


def _number(value: float) -> float | None:
    return value if value == value else None
