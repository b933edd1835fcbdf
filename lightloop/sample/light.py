"""What a sample has had of light, and what a config still leaves it: for whoever asks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from acquire.dose.footprint import BEYOND_CHIP, footprint_of
from acquire.sample.file import Line
from acquire.sample.record import read_sample
from acquire.sample.shelf import last_footprints
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.sample.account import build_ledger
from lightloop.sample.brightest_field import brightest_field, strongest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from acquire.dose.footprint import Footprint
    from acquire.dose.ledger import Ledger
    from acquire.dose.tiles import Tiles
    from lightloop.config import RunConfig
    from lightloop.sample.brightest_field import Brightest


class LightHad(NamedTuple):
    """What a sample took of one line, and may still take of it.

    Attributes
    ----------
    light, line
        Name of the line, its wavelength, and whether its doses have a unit.
    highest
        Dose of the strongest spot, J/cm2 or relative.
    brightest
        The field that took most; None where nobody knows how large a field is.
    fields
        Lit area of the sample over that of one field; 0 where nothing was lit, or nobody knows.
    left, budget
        Mean dose that the brightest field may still take, and of how much, by the config; None
        without a config, or where it has no such line.
    """

    light: str
    line: Line
    highest: float
    brightest: Brightest | None
    fields: float
    left: float | None = None
    budget: float | None = None

    @property
    def mean(self) -> float:
        """Mean dose of the brightest field; at most that of the strongest spot."""
        return self.highest if self.brightest is None else self.brightest.mean

    @property
    def unit(self) -> str:
        """Unit of its doses."""
        return "J/cm2" if self.line.is_calibrated else "relative"


def lights_had(folder: Path, sample: str, config: RunConfig | None = None) -> list[LightHad]:
    """Return what a sample took of each line, those of the config included.

    Parameters
    ----------
    config
        Tells how large a field is, and which budget is left. Without it, fields are as large as
        those of the newest run.

    Raises
    ------
    SampleError
        If the record is damaged, or its doses cannot be added to those of the config.
    """
    taken, prints = read_sample(folder, sample), last_footprints(folder, sample)
    if config is None:
        return [
            _had(light, line, taken.planes.get(light, ()), prints.get(light))
            for light, line in sorted(taken.lines.items())
        ]
    lines = {one.name: Line(one.wavelength_nm, one.is_calibrated) for one in config.light}
    taken.check(lines)
    ledger = None
    if (chip_um := _chip_um(config, prints)) is not None:
        prints |= {one.name: footprint_of(one, chip_um) for one in config.light}
        ledger = build_ledger(config, chip_um, taken=taken)
    had = [
        _had(light, line, taken.planes.get(light, ()), prints.get(light))
        for light, line in sorted({**taken.lines, **lines}.items())
    ]
    budgets = {one.name: one.limits.budget_j_cm2 for one in config.light}
    return [
        one._replace(left=_left(one, budgets[one.light], ledger), budget=budgets[one.light])
        if one.light in budgets
        else one
        for one in had
    ]


def _had(light: str, line: Line, planes: tuple[Tiles, ...], print_: Footprint | None) -> LightHad:
    highest = strongest(planes)
    if print_ is None:
        return LightHad(light, line, highest, None, 0.0)
    brightest = brightest_field(planes, print_)
    return LightHad(light, line, highest, brightest, brightest.lit_um2 / print_.area_um2)


def _left(had: LightHad, budget: float, ledger: Ledger | None) -> float:
    """Return what the brightest field may still take; too little where its size is not known."""
    if ledger is None or had.brightest is None:
        return max(0.0, budget - had.mean)
    ledger.remember(0, had.light, 0.0, (had.brightest.x_um, had.brightest.y_um))
    return ledger.left(0, had.light)


def _chip_um(config: RunConfig, prints: Mapping[str, Footprint]) -> tuple[float, float] | None:
    """Return the camera's field of view, without asking the microscope; None if nobody knows it.

    Where no lit area hangs on it, anything will do. Else it is that of the newest run, as it shows
    in what a light of the same name lit.
    """
    scope = config.scope
    if isinstance(scope, SimulatedScopeConfig):
        return scope.width * scope.pixel_um, scope.height * scope.pixel_um
    unknown = [light for light in config.light if light.lit_area_um2 is None]
    if not unknown:
        return 1.0, 1.0
    for light in unknown:
        if (known := prints.get(light.name)) is not None:
            share = math.sqrt(2.0) if light.lit_shape == "ellipse" else BEYOND_CHIP
            rows, columns = known.shape
            return columns * known.pitch_um / share, rows * known.pitch_um / share
    return None
