"""`lightloop track`: the cells of a recording, followed without a microscope."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper
from lightloop.cli.progress import progress_bar
from lightloop.cli.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightloop.recordings.recording import Recording
    from lightloop.tracking.eye import Wanted
    from lightloop.tracking.track import Followed


RadiusPx = Annotated[
    float | None,
    typer.Option("--radius-px", min=1.5, max=250, help="Radius of a cell; else measured."),
]
PixelUm = Annotated[
    float | None,
    typer.Option(min=1e-4, max=1e3, help="Size of a pixel, um; else what the file says."),
]
IntervalS = Annotated[
    float | None,
    typer.Option(min=1e-6, max=1e7, help="Frame interval, s; else what the file says."),
]
Axes = Annotated[
    str, typer.Option(help="Order of the axes, such as TZYX, where the file does not say it.")
]


class Kind(StrEnum):
    """Formats of tracks (`realtime.export.tracks_formats`, which would make help slow)."""

    GEFF = "geff"
    CTC = "ctc"
    CSV = "csv"
    TRACKMATE = "trackmate"
    NAPARI = "napari"


Source = Annotated[
    str, typer.Argument(help="TIFF, .npy, run.h5, file.h5:dataset, or a folder of TIFFs.")
]
Target = Annotated[
    Path,
    typer.Option(
        "--out",
        help="What to write: .geff, .csv, .xml (TrackMate), .npz (napari), or a folder (CTC).",
    ),
]
Format = Annotated[
    Kind | None, typer.Option("--format", help="Where the name of --out does not say it.")
]
Network = Annotated[str, typer.Option(help="Denoiser to look through, such as denoise-2d.")]
Find = Annotated[
    str,
    typer.Option(
        help="nuclei, spots, or a network that outlines nuclei; else as the run did, or nuclei."
    ),
]
Channel = Annotated[
    int, typer.Option(min=0, help="Channel of a file with several, from 0; not of a run file.")
]


def track(
    recording: Source,
    out: Target,
    format_: Format = None,
    network: Network = "",
    find: Find = "",
    radius_px: RadiusPx = None,
    pixel_um: PixelUm = None,
    interval_s: IntervalS = None,
    axes: Axes = "",
    channel: Channel = 0,
) -> None:
    """Follow the cells of a recording; write who was where and who became whom."""
    with exit_status():
        from lightloop.cli.recorded import file_and_dataset
        from lightloop.recordings.recording import open_recording
        from lightloop.tracking.eye import Wanted
        from lightloop.tracking.track import track as follow
        from realtime.export.tracks_formats import Format as Written
        from realtime.export.tracks_formats import format_of

        kind = Written(format_.value) if format_ else format_of(out)
        path, dataset = file_and_dataset(recording)
        diameter_px = None if radius_px is None else 2 * radius_px
        wanted = Wanted(network, diameter_px, pixel_um, interval_s, find)
        with (
            open_recording(path, dataset, axes.upper(), channel) as film,
            progress_bar("following") as show,
        ):
            done = follow(film, out, kind, wanted, show)
        page = paper()
        for line in _summary(done, film, wanted):
            page.print(line, soft_wrap=True)
        for note in (*film.notes, *done.notes):
            complain(f"note: {note}")


def _summary(done: Followed, film: Recording, wanted: Wanted) -> Iterator[str]:
    from statistics import median

    for path in done.paths:
        yield str(path)
    yield (
        f"{counted(done.n_cells, 'track')} in {counted(done.n_frames, 'frame')}, about "
        f"{counted(round(done.n_rows / max(done.n_frames, 1)), 'cell')} at a time: "
        f"{counted(done.n_links, 'link')} ({done.wrong_links:.0f} of them probably wrong), "
        f"{counted(done.n_divisions, 'division')}"
    )
    how = "as given" if wanted.diameter_px else "measured"
    size = f"{done.diameter_px:.0f} px across ({how})"
    pixel_um = film.pixel_um if wanted.pixel_um is None else wanted.pixel_um
    if pixel_um > 0:
        size += f", {done.diameter_px * pixel_um:.1f} um"
    yield f"cells are {size}; {median(done.ms):.1f} ms per frame, not counting reading"
    if not done.n_cells:
        yield "no cell was found: is --radius-px right, and --channel?"
