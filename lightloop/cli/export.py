"""`lightloop export`: a run in other programs' formats."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper
from lightloop.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

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


Run = Annotated[Path, typer.Argument(help="Run file, or any part of it.")]
OmeZarr = Annotated[bool, typer.Option("--ome-zarr", help="OME-Zarr 0.5, for napari, large runs.")]
OmeTiff = Annotated[
    bool, typer.Option("--ome-tiff", help="OME-TIFF, for Fiji's Bio-Formats and OMERO.")
]
Tiff = Annotated[bool, typer.Option("--tiff", help="Plain hyperstacks, for ImageJ and Fiji.")]
GzipH5 = Annotated[
    bool, typer.Option("--gzip-h5", help="HDF5 packed with gzip, for MATLAB and old readers.")
]
WantedTracks = Annotated[
    list[Tracks] | None, typer.Option(help="The cells that were followed; may be repeated.")
]
WantedUnit = Annotated[
    Unit, typer.Option(help="Pixels as camera counts, as photo-electrons per dose, or both.")
]
Restored = Annotated[
    bool, typer.Option("--restored", help="Also the images that the network restored.")
]
WantedEsrrf = Annotated[
    Statistic | None,
    typer.Option(help="Also eSRRF: finer pixels without learning, from several frames each."),
]
EsrrfFrames = Annotated[int, typer.Option(help="Frames of each eSRRF picture.")]
EsrrfFiner = Annotated[int, typer.Option(help="Its pixels along one of the camera's.")]
EsrrfRadius = Annotated[float, typer.Option(help="Its radius, camera pixels.")]
EsrrfSensitivity = Annotated[float, typer.Option(help="Its sensitivity.")]
Flat = Annotated[
    list[str] | None,
    typer.Option(metavar="[LIGHT=]FILE", help="Flat field, dark level off: TIFF or .npy."),
]
Folder = Annotated[Path | None, typer.Option("--out", help="Folder to write to; else the run's.")]


def export(
    run: Run,
    ome_zarr: OmeZarr = False,
    ome_tiff: OmeTiff = False,
    tiff: Tiff = False,
    gzip_h5: GzipH5 = False,
    tracks: WantedTracks = None,
    unit: WantedUnit = Unit.BOTH,
    restored: Restored = False,
    esrrf: WantedEsrrf = None,
    esrrf_frames: EsrrfFrames = 30,
    esrrf_finer: EsrrfFiner = 2,
    esrrf_radius: EsrrfRadius = 1.5,
    esrrf_sensitivity: EsrrfSensitivity = 1.0,
    flat: Flat = None,
    out: Folder = None,
) -> None:
    """Write a run for napari, Fiji, pandas, MATLAB and tracking programs."""
    with exit_status():
        images = _images(ome_zarr=ome_zarr, ome_tiff=ome_tiff, tiff=tiff, gzip_h5=gzip_h5)
        wanted = _wanted(images, tracks or [], unit, restored=restored)
        if esrrf is not None:
            from realtime.export.esrrf import Esrrf

            how = (esrrf_frames, esrrf_finer, esrrf_radius, esrrf_sensitivity)
            wanted = replace(wanted, esrrf=Esrrf(esrrf.value, *how))
        _refuse_nothing(wanted, run)
        _write(run, wanted, flat or [], out)


def _write(run: Path, wanted: Wanted, flat: list[str], out: Path | None) -> None:
    """Write what is wanted; print the files, one a line, and beside them what to know of them."""
    from lightloop.calibrate.flats import flats_of
    from realtime.export import export_run
    from realtime.run_file import RunReader

    with RunReader(run) as reader, progress_bar("exporting") as show:
        flats, said = flats_of(reader, flat)
        folder = out if out is not None else reader.path.parent
        made = export_run(reader, wanted, folder, reader.path.stem, flats, show)
        notes = [*said, *_notes(reader.status, reader.start.dose_unit, wanted)]
    page = paper()
    for path in made:
        page.print(str(path), soft_wrap=True)
    for note in notes:
        complain(note)


def _refuse_nothing(wanted: Wanted, run: Path) -> None:
    from lightloop.config import ConfigError

    if wanted.images or wanted.tracks:
        return
    if wanted.esrrf is not None:
        raise ConfigError("--esrrf: say in which format, too, such as --ome-tiff or --tiff")
    raise ConfigError(
        "nothing to export: say --ome-zarr, --ome-tiff, --tiff, --gzip-h5, or --tracks with csv, "
        f"geff, ctc, trackmate or napari; such as lightloop export {run} --ome-tiff --tracks csv"
    )


def _images(*, ome_zarr: bool, ome_tiff: bool, tiff: bool, gzip_h5: bool) -> tuple[ImageKind, ...]:
    return (
        *(("ome-zarr",) if ome_zarr else ()),
        *(("ome-tiff",) if ome_tiff else ()),
        *(("tiff",) if tiff else ()),
        *(("gzip-h5",) if gzip_h5 else ()),
    )


def _wanted(
    images: tuple[ImageKind, ...], tracks: list[Tracks], unit: Unit, *, restored: bool
) -> Wanted:
    from realtime.export import Wanted

    values: dict[Unit, tuple[Values, ...]] = {
        Unit.BOTH: ("counts", "per_dose"),
        Unit.COUNTS: ("counts",),
        Unit.PER_DOSE: ("per_dose",),
    }
    return Wanted(images, tuple(dict.fromkeys(one.value for one in tracks)), values[unit], restored)


def _notes(status: str, dose_unit: str, wanted: Wanted) -> Iterator[str]:
    is_calibrated = dose_unit == "J/cm2"
    if wanted.images and len(wanted.values) > 1:
        unit = "J/cm2" if is_calibrated else "relative dose"
        yield (
            "note: pixels are camera counts; those of files called per_dose are photo-electrons "
            f"per {unit}, in which a cell stays as bright where the light changes"
        )
    if status == "recording":
        yield "the run is still being recorded, or its recorder died: this is what there was"
    if not is_calibrated:
        yield (
            "the light is not calibrated: normalised intensities are photo-electrons per relative "
            "dose. They can be compared within this run, not with others"
        )
