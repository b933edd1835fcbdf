"""One export: all that was asked for, written beside its place, named when it is whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from realtime.export.film import films
from realtime.export.frames import dose_so_far, frame_rows, write_csv
from realtime.export.images import VALUES, Images
from realtime.export.restored import restored_images
from realtime.export.steps import Steps
from realtime.export.track_files import write_tracks
from realtime.export.values import Normaliser
from realtime.export.whole import outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from realtime.export.esrrf import Esrrf
    from realtime.export.film import Film
    from realtime.export.images import Values
    from realtime.export.whole import Outputs
    from realtime.run_file import RunReader

ImageKind: TypeAlias = Literal["ome-zarr", "ome-tiff", "tiff", "gzip-h5"]
TracksKind: TypeAlias = Literal["csv", "geff", "ctc", "trackmate", "napari"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export.

    Attributes
    ----------
    values
        Camera counts, photo-electrons for each unit of dose, or both.
    restored
        Also the images that the worker restored, as photo-electrons.
    esrrf
        Also pictures in finer pixels, without learning, from several frames each; None: none.
    """

    images: tuple[ImageKind, ...] = ()
    tracks: tuple[TracksKind, ...] = ()
    values: tuple[Values, ...] = VALUES
    restored: bool = False
    esrrf: Esrrf | None = None

    @property
    def restored_values(self) -> tuple[Values, ...]:
        """What restored images are counted in: they were never camera counts."""
        return tuple("electrons" if values == "counts" else values for values in self.values)


class _Extra(NamedTuple):
    """Images beside the raw ones: what their files are called, and what they are counted in."""

    kind: str
    images: list[Images]
    values: tuple[Values, ...]


def export_run(
    reader: RunReader,
    wanted: Wanted,
    folder: Path,
    stem: str,
    flats: Mapping[str, NDArray[np.float32]] | None = None,
    show: Callable[[int, int], object] = lambda done, total: None,
) -> list[Path]:
    """Write a run in other programs' formats; return what was made.

    Parameters
    ----------
    folder, stem
        Where, and what the names begin with, such as run for run.ome.zarr.
    flats
        By light: local dose over its mean, (Y, X) float32 (`realtime.export.flat`).
    show
        Told how many of how many pieces of work are done.

    Raises
    ------
    RunFileError
        If something exists already or cannot be written, a package is missing, or a frame of the
        run is damaged. Nothing is left then.
    """
    normaliser = Normaliser({camera.label: camera for camera in reader.start.cameras}, flats)
    so_far = dose_so_far(reader.infos)
    steps = Steps(show)
    with outputs() as out:
        if wanted.images:
            found = films(reader)
            made = [Images(reader, film, normaliser, steps.step) for film in found]
            extras = _extras(reader, wanted, found, normaliser, steps.step)
            steps.expect(_pieces(wanted, found, extras))
            for images, base in zip(made, _bases(found, stem), strict=True):
                _write_film(images, wanted.images, wanted.values, out, folder, base)
            for kind, more, values in extras:
                bases = _bases([images.film for images in more], f"{stem}.{kind}")
                for images, base in zip(more, bases, strict=True):
                    _write_film(images, wanted.images, values, out, folder, base)
            if "gzip-h5" in wanted.images:
                draft = out.new(folder / f"{stem}.gzip.h5")
                _write_gzip(reader, made, extras, wanted, draft, so_far)
            for images, base in zip(made, _bases(found, stem), strict=True):
                rows = frame_rows(images, so_far)
                write_csv(out.new(folder / f"{base}.frames.csv"), rows.__iter__)
        if wanted.tracks:
            write_tracks(reader, normaliser, so_far, wanted.tracks, out, folder / stem, steps)
    return out.paths


def _extras(
    reader: RunReader,
    wanted: Wanted,
    found: list[Film],
    normaliser: Normaliser,
    step: Callable[[], object],
) -> list[_Extra]:
    extras = []
    if wanted.restored:
        restored = restored_images(reader, found, normaliser, step)
        extras.append(_Extra("restored", list(restored), wanted.restored_values))
    if wanted.esrrf is not None:
        from realtime.export.esrrf import esrrf_images

        fine = esrrf_images(reader, found, normaliser, wanted.esrrf, step)
        extras.append(_Extra("esrrf", list(fine), ("electrons",)))
    return extras


def _pieces(wanted: Wanted, found: list[Film], extras: list[_Extra]) -> int:
    """Return how many images will be written."""
    raw = sum(film.n_places for film in found) * len(wanted.values)
    more = [len(e.values) * images.film.n_places for e in extras for images in e.images]
    return (raw + sum(more)) * len(wanted.images)


def _bases(found: list[Film], stem: str) -> list[str]:
    """Return what the names of each film begin with; one film needs no more than the run's name."""
    if len(found) == 1:
        return [stem]
    return [
        f"{stem}.{re.sub(r'[^A-Za-z0-9_-]+', '_', film.camera.label)}-{film.height}x{film.width}"
        for film in found
    ]


def _write_film(
    images: Images,
    kinds: tuple[ImageKind, ...],
    wanted: tuple[Values, ...],
    out: Outputs,
    folder: Path,
    base: str,
) -> None:
    """Write a film as files of its own, in every format but that of all films together."""
    from realtime.export.ome_zarr import write_ome_zarr
    from realtime.export.tiff import write_imagej, write_ome_tiff

    for kind in kinds:
        for values in wanted:
            name = f"{base}.per_dose" if values == "per_dose" else base
            if kind == "ome-zarr":
                write_ome_zarr(images, values, out.new(folder / f"{name}.ome.zarr"))
            elif kind == "ome-tiff":
                write_ome_tiff(images, values, out.new(folder / f"{name}.ome.tiff"))
            elif kind == "tiff":
                for n, p in enumerate(images.film.positions):
                    one = f"{name}.p{p}" if len(images.film.positions) > 1 else name
                    write_imagej(images, values, n, out.new(folder / f"{one}.tif"))


def _write_gzip(
    reader: RunReader,
    made: list[Images],
    extras: list[_Extra],
    wanted: Wanted,
    draft: Path,
    so_far: Mapping[int, float],
) -> None:
    from realtime.export.gzip_h5 import create, write_film, write_frames

    with create(draft, reader) as file:
        for n, images in enumerate(made):
            group = file.create_group(f"film{n}")
            write_film(group, images, wanted.values)
            write_frames(group, frame_rows(images, so_far))
        for kind, more, values in extras:
            for n, images in enumerate(more):
                write_film(file.create_group(f"{kind}{n}"), images, values)
