"""`lightloop export`: a run in other programs' formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper

if TYPE_CHECKING:
    from realtime.export import Wanted
    from realtime.export.export import ImageKind
    from realtime.export.images import Values


class Tracks(StrEnum):
    """Formats of tracks."""

    CSV = "csv"
    GEFF = "geff"
    CTC = "ctc"
    TRACKMATE = "trackmate"
    NAPARI = "napari"


class Statistic(StrEnum):
    """What is made of the frames of an eSRRF window."""

    AVG = "avg"
    VAR = "var"
    TAC2 = "tac2"


class Unit(StrEnum):
    """What pixels are counted in."""

    BOTH = "both"
    COUNTS = "counts"
    PER_DOSE = "per-dose"


def export(
    run: Annotated[Path, typer.Argument(help="Run file, or any part of it.")],
    ome_zarr: Annotated[
        bool, typer.Option("--ome-zarr", help="OME-Zarr 0.5, for napari and large runs.")
    ] = False,
    ome_tiff: Annotated[
        bool, typer.Option("--ome-tiff", help="OME-TIFF, for Fiji's Bio-Formats and OMERO.")
    ] = False,
    tiff: Annotated[
        bool, typer.Option("--tiff", help="Plain hyperstacks, for ImageJ and Fiji.")
    ] = False,
    gzip_h5: Annotated[
        bool, typer.Option("--gzip-h5", help="HDF5 packed with gzip, for MATLAB and old readers.")
    ] = False,
    tracks: Annotated[
        list[Tracks] | None, typer.Option(help="The cells that were followed; may be repeated.")
    ] = None,
    unit: Annotated[
        Unit,
        typer.Option(help="Pixels as camera counts, as photo-electrons per dose, or both."),
    ] = Unit.BOTH,
    restored: Annotated[
        bool, typer.Option("--restored", help="Also the images that the network restored.")
    ] = False,
    esrrf: Annotated[
        Statistic | None,
        typer.Option(help="Also eSRRF: finer pixels without learning, from several frames each."),
    ] = None,
    esrrf_frames: Annotated[int, typer.Option(help="Frames of each eSRRF picture.")] = 30,
    esrrf_finer: Annotated[int, typer.Option(help="Its pixels along one of the camera's.")] = 2,
    esrrf_radius: Annotated[float, typer.Option(help="Its radius, camera pixels.")] = 1.5,
    esrrf_sensitivity: Annotated[float, typer.Option(help="Its sensitivity.")] = 1.0,
    flat: Annotated[
        list[str] | None,
        typer.Option(metavar="[LIGHT=]FILE", help="Flat field, dark level off: TIFF or .npy."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; else the run's.")] = None,
) -> None:
    """Write a run for napari, Fiji, pandas, MATLAB and tracking programs."""
    with exit_status():
        from lightloop.config import ConfigError
        from lightloop.flats import flats_of
        from realtime.export import export_run
        from realtime.run_file import RunReader

        wanted = _wanted(ome_zarr, ome_tiff, tiff, gzip_h5, tracks or [], unit, restored=restored)
        if esrrf is not None:
            from realtime.export.esrrf import Esrrf

            how = (esrrf_frames, esrrf_finer, esrrf_radius, esrrf_sensitivity)
            wanted = replace(wanted, esrrf=Esrrf(esrrf.value, *how))
        if not (wanted.images or wanted.tracks):
            if esrrf is not None:
                raise ConfigError("--esrrf: say in which format, too, such as --ome-tiff or --tiff")
            raise ConfigError(
                "nothing to export: say --ome-zarr, --ome-tiff, --tiff, --gzip-h5, or --tracks "
                "with csv, geff, ctc, trackmate or napari"
            )
        with RunReader(run) as reader, progress_bar("exporting") as show:
            flats, said = flats_of(reader, flat or [])
            folder = out if out is not None else reader.path.parent
            made = export_run(reader, wanted, folder, reader.path.stem, flats, show)
            notes = [*said, *_notes(reader.status, is_calibrated=reader.start.dose_unit == "J/cm2")]
        page = paper()
        for path in made:
            page.print(str(path), soft_wrap=True)
        for note in notes:
            complain(note)


def _wanted(
    ome_zarr: bool,
    ome_tiff: bool,
    tiff: bool,
    gzip_h5: bool,
    tracks: list[Tracks],
    unit: Unit,
    *,
    restored: bool,
) -> Wanted:
    from realtime.export import Wanted

    images: tuple[ImageKind, ...] = (
        *(("ome-zarr",) if ome_zarr else ()),
        *(("ome-tiff",) if ome_tiff else ()),
        *(("tiff",) if tiff else ()),
        *(("gzip-h5",) if gzip_h5 else ()),
    )
    values: dict[Unit, tuple[Values, ...]] = {
        Unit.BOTH: ("counts", "per_dose"),
        Unit.COUNTS: ("counts",),
        Unit.PER_DOSE: ("per_dose",),
    }
    return Wanted(images, tuple(dict.fromkeys(one.value for one in tracks)), values[unit], restored)


def _notes(status: str, *, is_calibrated: bool) -> Iterator[str]:
    if status == "recording":
        yield "the run is still being recorded, or its recorder died: this is what there was"
    if not is_calibrated:
        yield (
            "the light is not calibrated: normalised intensities are photo-electrons per relative "
            "dose. They can be compared within this run, not with others"
        )


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far long work is, on stderr, if somebody looks."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        job = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(job, completed=done, total=total)
