"""`lightloop calibrate`: what a camera's counts, and a light's commands, really are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, text_of
from lightloop.cli.options import StandConfig
from lightloop.cli.words import facts, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from acquire.calibrating.calibration_records import PowerCalibration
    from acquire.calibrating.power_walk import Meter
    from acquire.core import Core

app = typer.Typer(no_args_is_help=True, help="Measure camera and light, so that doses have units.")

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the light goes on.")]
LitArea = Annotated[float, typer.Option("--lit-area-um2", help="Lit area at the sample, um2.")]
Light = Annotated[str, typer.Option(help="Light to measure; the first one.")]
Objective = Annotated[str, typer.Option(help="Objective in place, such as 20x/0.75.")]
Steps = Annotated[int, typer.Option(min=2, max=200, help="Powers to measure.")]
HoldS = Annotated[float, typer.Option(help="Light for each reading, s.")]
MeterAt = Annotated[
    str, typer.Option(help="Device and property of a power meter: DEVICE,PROPERTY.")
]
MwPerUnit = Annotated[float, typer.Option(help="mW for each unit of the meter.")]
Readings = Annotated[
    Path | None, typer.Option(help="Readings taken before, as .csv: command, mW. No light.")
]


@app.command("camera")
def camera(
    config: StandConfig,
    channel: Annotated[str, typer.Option(help="Channel to light with; the first one.")] = "",
    darks: Annotated[int, typer.Option(min=16, max=4096, help="Dark frames.")] = 256,
    flats: Annotated[int, typer.Option(min=8, max=256, help="Frames of each exposure.")] = 8,
    page: Annotated[Path | None, typer.Option(help="Photon transfer plot to write, .html.")] = None,
    yes: Yes = False,
) -> None:
    """Measure a camera on an evenly bright slide: gain, offset, noise, saturation, and its plot."""
    with exit_status():
        from lightloop.calibrate.calibrations import calibration_folder, resolve
        from lightloop.calibrate.camera import calibrate_camera, plan_camera
        from lightloop.calibrate.transfer_page import table_of, transfer_page
        from lightloop.check.files import check_picture
        from lightloop.config import parse

        text = text_of(config)
        wanted = resolve(parse(text, config.name), config.name)
        plan = plan_camera(wanted, config.name, channel, darks, flats)
        if page is not None:
            check_picture(page)
        light = plan.light
        _ask(
            f"An evenly bright slide, and no cells? Light {light.name!r} will give it up to "
            f"{plan.dose:.3g} {light.dose_unit} in {span(plan.walk.on_s())} of light",
            yes,
        )
        folder = calibration_folder()
        stored = calibrate_camera(wanted, text, config.name, plan, folder, complain)
        out = page or folder / f"{stored.name}.html"
        out.write_text(transfer_page(stored.name, stored.found), "utf-8")
        sheet = paper()
        sheet.print(facts(table_of(stored.found.numbers)))
        for doubt in stored.found.numbers.doubts:
            sheet.print(f"NOT TRUSTED: {doubt}", style="bold red", soft_wrap=True)
        sheet.print(f"plot: {out}", soft_wrap=True)
        _say_how(f'[camera]\ncalibration = "{stored.name}"')


@app.command("power")
def power(
    config: StandConfig,
    lit_area: LitArea,
    light: Light = "",
    objective: Objective = "",
    steps: Steps = 10,
    hold_s: HoldS = 3.0,
    meter: MeterAt = "",
    mw_per_unit: MwPerUnit = 1.0,
    readings: Readings = None,
    yes: Yes = False,
) -> None:
    """Measure a light with a power meter at the sample: the curve of command to mW."""
    with exit_status():
        from lightloop.calibrate.power import (
            measure_power,
            plan_power,
            power_calibration,
            read_table,
        )
        from lightloop.config import parse

        text = text_of(config)
        wanted = parse(text, config.name)
        plan = plan_power(
            wanted, config.name, light, objective, lit_area, steps, hold_s,
            is_lit=readings is None,
        )  # fmt: skip
        make_meter = _meter(meter, mw_per_unit)
        if readings is not None:
            found = power_calibration(plan, read_table(readings), 0.0, readings.name)
        else:
            _ask(
                f"A power meter at the sample, and no cells? Light {plan.light.name!r} will be on "
                f"for {span(plan.on_s)}, up to its full power",
                yes,
            )
            found = measure_power(wanted, text, config.name, plan, make_meter)
        _keep_and_say(found)


def _meter(where: str, mw_per_unit: float) -> Callable[[Core], Meter]:
    """Return what makes the meter: a device's property, or a person who reads a display."""
    from lightloop.calibrate.power_meter import PropertyMeter
    from lightloop.config import ConfigError

    device, _, name = where.partition(",")
    if where and not (device and name):
        raise ConfigError(f"--meter must be DEVICE,PROPERTY, got {where!r}")
    if not 0 < mw_per_unit <= 1e9:
        raise ConfigError(f"--mw-per-unit must be above 0, got {mw_per_unit}")
    if not where:
        return lambda core: _Person()
    return lambda core: PropertyMeter(core, device, name, mw_per_unit)


def _keep_and_say(found: PowerCalibration) -> None:
    from lightloop.calibrate.calibrations import calibration_folder
    from lightloop.calibrate.power import store_power

    stored = store_power(calibration_folder(), found)
    paper().print(_curve(found))
    _say_how(
        f'objective = "{found.objective}"\n\n[[light]]\nname = "{found.light}"\n'
        f'calibration = "{stored}"    # in place of power_mw_at_maximum and lit_area_um2'
    )


@app.command("list")
def listing() -> None:
    """List the calibrations that there are, the newest first, and where they are."""
    with exit_status():
        from acquire.calibrating.calibration_files import load, names
        from acquire.calibrating.calibration_records import CameraCalibration
        from acquire.errors import CalibrationRefused
        from lightloop.calibrate.calibrations import calibration_folder

        folder = calibration_folder()
        sheet = paper()
        sheet.print(f"{folder}", style="dim", soft_wrap=True)
        if not (known := names(folder)):
            complain("there are none yet: lightloop calibrate camera, lightloop calibrate power")
        for name in known:
            try:
                found, _ = load(folder, name)
            except CalibrationRefused as error:
                complain(str(error))
                continue
            if isinstance(found, CameraCalibration):
                n = found.numbers
                what = f"{n.gain_adu_per_e:.4g} ADU/e-, read noise {n.read_noise_e:.3g} e-"
                what += ", NOT TRUSTED" if n.doubts else ""
            else:
                what = f"{found.table[-1][1]:.4g} mW at {found.maximum:g}, {found.objective}"
            sheet.print(f"{name}  {what}  {found.date[:10]}", soft_wrap=True)


class _Person:
    """Somebody who reads a power meter: told to look while the light is on, asked in the dark."""

    name = "read by a person"

    def watch(self, command: float, hold_s: float, *, is_lit: bool) -> None:
        """Say that the light is on."""
        what = f"light is on at {command:g}" if is_lit else "it is dark"
        complain(f"{what} for {hold_s:g} s: look at the meter")

    def reading_mw(self, command: float) -> float:
        """Ask what it showed."""
        return float(typer.prompt(f"power at {command:g}, mW", type=float, err=True))


def _ask(text: str, is_agreed: bool) -> None:
    if not is_agreed:
        typer.confirm(text, abort=True, err=True)


def _curve(found: PowerCalibration) -> Table:
    """Return some ten points of the curve, from dark to full."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    step = max(1, (len(found.table) - 1) // 10)
    area = found.lit_area_um2
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("command", "mW at the sample", f"W/cm2 over {area:g} um2"):
        table.add_column(heading, justify="right")
    for command, mw in [*found.table[:-1:step], found.table[-1]]:
        table.add_row(f"{command:g}", f"{mw:.4g}", f"{mw / area * 1e5:.4g}")
    return table


def _say_how(text: str) -> None:
    sheet = paper()
    sheet.print("\nName it in the config of your runs:\n", style="dim")
    sheet.print(text, soft_wrap=True, markup=False)
