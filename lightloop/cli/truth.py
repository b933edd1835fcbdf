"""`lightloop truth`: what was really there, for a person and for programs that score trackers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import exit_status, paper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from realtime.run_file import RunReader
    from realtime.truth import TruthReader


def truth(
    file: Annotated[Path, typer.Argument(help="Truth file, or the run that it lies beside.")],
    ctc: Annotated[
        Path | None, typer.Option(help="Folder to write as in the Cell Tracking Challenge.")
    ] = None,
    geff: Annotated[Path | None, typer.Option(help="Zarr folder to write tracks to, GEFF.")] = None,
    field: Annotated[int, typer.Option(min=0, help="Field of view for GEFF, from 0.")] = 0,
) -> None:
    """Say what is in a truth file, or write it in other programs' formats."""
    with exit_status():
        from realtime.truth import TruthReader, truth_path
        from realtime.truth.ctc import export_ctc
        from realtime.truth.geff import export_geff

        beside = truth_path(file)
        path = beside if beside.is_file() else file
        page = paper()
        with TruthReader(path) as reader:
            if ctc is not None:
                n_tracklets = _with_images(reader, path, ctc, export_ctc)
                page.print(f"{ctc}: {n_tracklets} tracklets", soft_wrap=True)
            if geff is not None:
                n_nodes = export_geff(reader, geff, field)
                page.print(f"{geff}: {n_nodes} nodes", soft_wrap=True)
            if ctc is None and geff is None:
                for line in _lines(reader):
                    page.print(line, soft_wrap=True)


def _with_images(
    reader: TruthReader,
    path: Path,
    folder: Path,
    export: Callable[[TruthReader, Path, RunReader | None], int],
) -> int:
    """Export with the images of the run, where it lies beside its truth."""
    from realtime.run_file import RunReader
    from realtime.truth import run_path

    run = run_path(path)
    if not run.is_file():
        return export(reader, folder, None)
    with RunReader(run) as images:
        is_its_own = images.start.session_id == reader.about.session_id
        return export(reader, folder, images if is_its_own else None)


def _lines(reader: TruthReader) -> Iterator[str]:
    from acquire.simulated.specimen.lineages import Ending

    table, lineages = reader.exposures, reader.lineages
    endings = lineages["ending"]
    yield f"{reader.path.name}: {reader.status}"
    lost, unseen = int(table["is_lost"].sum()), int((table["image_row"] < 0).sum())
    yield (
        f"{len(table)} exposures, {lost or 'none'} lost by the camera, "
        + (f"{unseen} without their image: no time to write it" if unseen else "all with images")
    )
    yield (
        f"{len(lineages)} cells in and around the field of view (each daughter is one more): "
        f"{int((endings == Ending.DIVISION).sum())} divided, "
        f"{int((endings == Ending.DEATH).sum())} died"
    )
    for n, line in enumerate(reader.about.lines):
        seen, stray = table["fluence_j_cm2"][:, n].sum(), table["stray_j_cm2"][:, n].sum()
        yield f"{line}: {seen:.4g} J/cm2 in exposures, {stray:.4g} J/cm2 between them"
    if len(table) and (cells := reader.cells(len(table) - 1)).size:
        for n, line in enumerate(reader.about.lines):
            dose = cells["dose_j_cm2"][:, n]
            yield (
                f"{line}, {len(cells)} cells of the last image: {dose.min():.4g} to "
                f"{dose.max():.4g} J/cm2 each"
            )
        damage = cells["damage_j_cm2"]
        yield f"damage: {damage.min():.4g} to {damage.max():.4g} J/cm2 of the UV line each"
