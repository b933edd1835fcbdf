"""`lightloop import`: images from elsewhere as a run file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper

if TYPE_CHECKING:
    from acquire.calibration import Calibration

GUESSED = (
    "warning: the camera is only estimated, and photons, SNR and trust rest on it; if you know it, "
    "give --gain-adu-per-e, --offset and --read-noise"
)


def import_images(
    path: Annotated[str, typer.Argument(help="TIFF, .npy, or HDF5 as file.h5:dataset.")],
    axes: Annotated[str, typer.Option(help="Order of the axes, such as TCYX.")],
    out: Annotated[Path, typer.Option(help="Run file to write.")],
    interval_s: Annotated[float, typer.Option(help="Time from image to image, s.")],
    exposure_ms: Annotated[float, typer.Option(help="Exposure that was used, ms.")],
    pixel_um: Annotated[float, typer.Option(help="Pixel at the sample, um.")],
    channel: Annotated[int, typer.Option(min=0, help="Channel to take, from 0.")] = 0,
    gain_adu_per_e: Annotated[
        float | None, typer.Option(help="Camera gain, ADU per electron; else estimated.")
    ] = None,
    offset: Annotated[float | None, typer.Option(help="Dark level, ADU; else estimated.")] = None,
    read_noise: Annotated[
        float | None, typer.Option(help="Read noise, electrons; else estimated.")
    ] = None,
) -> None:
    """Turn recorded images into a run file, so that replay can show what would have been done."""
    with exit_status():
        from lightloop.check.files import check_output
        from lightloop.recordings.camera import given_or_estimated
        from realtime.importing.importer import import_recording

        file, dataset = file_and_dataset(path)
        check_output(out, 0)  # before hours of reading
        calibration, estimate = given_or_estimated(gain_adu_per_e, offset, read_noise)
        done = import_recording(
            file,
            dataset,
            axes.upper(),
            channel,
            pixel_um,
            calibration,
            interval_s,
            exposure_ms,
            out,
            estimate=estimate,
        )
        page = paper()
        page.print(f"{done.path}: {done.n_frames} frames in {done.n_shots} shots", soft_wrap=True)
        page.print(_camera(done.calibration), soft_wrap=True)
        page.print("light and power: not recorded, so a dose is seconds of exposure")
        if done.calibration.source == "estimated":
            complain(GUESSED + (f" ({done.doubt})" if done.doubt else ""))


def _camera(camera: Calibration) -> str:
    how = "estimated from the images" if camera.source == "estimated" else "as given"
    return (
        f"camera, {how}: {camera.gain_adu_per_e:.4g} ADU/e-, offset {camera.offset_adu:.4g} ADU, "
        f"read noise {camera.read_noise_e:.3g} e-"
    )


def file_and_dataset(path: str) -> tuple[Path, str]:
    """Split file.h5:dataset; a colon that belongs to the file's name (C:) is left alone."""
    file, colon, dataset = path.rpartition(":")
    if not colon or Path(path).exists() or len(file) == 1:
        return Path(path), ""
    return Path(file), dataset
