"""`lightloop rehearse`: the light of your own stand, before the first run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, text_of
from lightloop.cli.options import StandConfig
from lightloop.status import NOT_DARK

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from lightloop.rehearse.kept import Rehearsal


Power = Annotated[float, typer.Option(min=1e-6, max=1, help="Power, as a fraction of the maximum.")]
CameraMs = Annotated[
    float, typer.Option(min=0.01, max=1000, help="Exposure of the camera that looks, ms.")
]
ByMeter = Annotated[
    bool, typer.Option("--meter", help="You read a power meter; for light no camera sees.")
]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Ask nothing; the dark is what our own commands make of it."),
]


def rehearse(
    config: StandConfig,
    power: Power = 0.01,
    camera_ms: CameraMs = 5.0,
    meter: ByMeter = False,
    yes: Yes = False,
) -> None:
    """Rehearse how the light ends: delays, leaks, and the keeper against an owner that hangs.

    Each light goes on at its least power for a second, and off; then on again, its owner hangs,
    and the keeper has to end it. Use a slide that is evenly bright, without cells. The figures are
    kept with the config's lights, and shown by `check` and before each run. Ends with status 3 if
    a light may be on.
    """
    with exit_status():
        from acquire.errors import LightNotDark
        from lightloop.calibrate.calibrations import resolve
        from lightloop.config import parse
        from lightloop.rehearse.rehearsal import plan_rehearsal
        from lightloop.rehearse.rehearsal import rehearse as measure

        text = text_of(config)
        wanted = resolve(parse(text, config.name), config.name)
        plans = plan_rehearsal(wanted, config.name, power, by_meter=meter)
        if not yes:
            lights = ", ".join(
                f"{p.light.name!r} at {p.power_fraction:.3g} for about {p.on_s + 2:.2g} s"
                for p in plans
            )
            typer.confirm(f"A bright slide, and no cells? Light {lights}", abort=True, err=True)
        try:
            found = measure(
                wanted, text, config.name, plans, camera_ms, complain,
                None if yes else _switch_by_hand, _read_mw if meter else None,
            )  # fmt: skip
        except LightNotDark as error:
            complain(str(error))
            raise typer.Exit(NOT_DARK) from error
        _keep_and_say(found, wanted, config.name)


def _keep_and_say(found: Rehearsal, config: RunConfig, name: str) -> None:
    """Keep the figures, print them, and say beside them what is to be doubted."""
    from lightloop.rehearse.kept import save, words
    from lightloop.rehearse.unattended import only_software

    path = save(found)
    page = paper()
    for line in found.lines:
        page.print(f"light {line.light!r}: {line.in_words()}", soft_wrap=True, markup=False)
        page.print(f"  it gave {line.dose:.3g} {line.dose_unit}", style="dim")
    for word in words(config, name):
        if word.is_warning:
            complain(word.text)
    if bare := only_software(config):
        complain(bare)
    page.print(f"kept: {path}", style="dim", soft_wrap=True)


def _switch_by_hand(is_on: bool) -> None:
    if is_on:
        text = "Switch them on again, and press Enter when they are ready"
    else:
        text = "Switch the lamps off at their own switch (the true dark), and press Enter"
    typer.prompt(text, default="", show_default=False, err=True)


def _read_mw(what: str) -> float:
    return float(typer.prompt(what, type=float, err=True))
