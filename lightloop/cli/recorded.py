"""`lightloop import` and `lightloop replay`: images from elsewhere, and runs from before."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from lightloop.cli.door import complain, exit_status, paper, text_of, wants_window
from lightloop.cli.run import Headless, Out, Screenshot, Verbose, supervise_and_report

if TYPE_CHECKING:
    from acquire.calibration import Calibration

GUESSED = (
    "warning: the camera is only estimated, and photons, SNR and trust rest on it; if you know it, "
    "give --gain-adu-per-e, --offset and --read-noise"
)


class ReplayCommand(TyperCommand):
    """Lets `--real-time` stand alone: it then means `--real-time 1`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a lone `--real-time` its number, before anything else is read."""
        for place, word in enumerate(args):
            if word == "--real-time" and not _is_number(args[place + 1 : place + 2]):
                args = [*args[: place + 1], "1", *args[place + 1 :]]
                break
        return super().parse_args(ctx, args)


def _is_number(words: list[str]) -> bool:
    try:
        return bool(words) and float(words[0]) > 0
    except ValueError:
        return False


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
        from lightloop.calibrate import given_or_estimated
        from lightloop.check import check_output
        from realtime.importing import import_recording

        file, dataset = _file_and_dataset(path)
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


def _file_and_dataset(path: str) -> tuple[Path, str]:
    """Split file.h5:dataset; a colon that belongs to the file's name (C:) is left alone."""
    file, colon, dataset = path.rpartition(":")
    if not colon or Path(path).exists() or len(file) == 1:
        return Path(path), ""
    return Path(file), dataset


def replay(
    run: Annotated[Path, typer.Argument(help="Run file.")],
    real_time: Annotated[
        float | None,
        typer.Option("--real-time", min=0.001, metavar="[X]", help="As recorded, X times faster."),
    ] = None,
    at_most: Annotated[bool, typer.Option("--max", help="As fast as it goes (default).")] = False,
    step: Annotated[
        bool, typer.Option("--step", help="Lock-step: each shot waits for its decision.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Fail if a decision differs from the recorded one.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="Decide by this config instead.")
    ] = None,
    headless: Headless = False,
    out: Out = None,
    screenshot: Screenshot = None,
    verbose: Verbose = False,
) -> None:
    """Play a run again: the same worker, recorder and window, no microscope, no light."""
    with exit_status(is_verbose=verbose):
        from lightloop.check import check_output, check_picture
        from lightloop.config import ConfigError
        from lightloop.task import ReplayTask, RunTask
        from realtime.run_file import RunReader

        if sum((real_time is not None, at_most, step)) > 1:
            raise ConfigError("--real-time, --max and --step exclude each other")
        with RunReader(run) as reader:
            text, size = reader.text("config"), reader.size_bytes
            is_import = reader.start.origin.startswith("import")
        if verify and is_import:
            raise ConfigError(f"{run} is an import: it holds no decisions to verify")
        name = f"the config in {run.name}"
        if config is not None:
            text, name = text_of(config), config.name
        elif not text:
            text, name = files("configs").joinpath("replay.toml").read_text("utf-8"), "replay.toml"
        if out is not None:
            check_output(out, size)
        if screenshot is not None:
            check_picture(screenshot)
        pace = "real-time" if real_time is not None else "step" if step or verify else "max"
        task = RunTask(
            text,
            name,
            str(out.absolute()) if out is not None else "",
            with_window=wants_window(headless=headless, screenshot=screenshot is not None),
            ends_with_window=True,
            screenshot=str(screenshot.absolute()) if screenshot is not None else "",
            replay=ReplayTask(str(run.absolute()), pace, real_time or 1.0, verify),
            is_verbose=verbose,
        )
        supervise_and_report(task)
