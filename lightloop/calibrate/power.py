"""`lightloop calibrate power`: from a power meter at the sample to a curve that a run can name."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from acquire.calibrating.calibration_files import save_power
from acquire.calibrating.calibration_records import PowerCalibration, iso_date
from acquire.calibrating.power_curve import fit_power
from acquire.calibrating.power_walk import Meter, walk_power
from acquire.errors import CalibrationRefused
from lightloop.calibrate.stand import open_stand
from lightloop.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acquire.core import Core
    from acquire.light.source import LightSource
    from lightloop.config import LightConfig, RunConfig

    Readings = tuple[tuple[float, float], ...]

MAX_MW = 1e5


class PowerPlan(NamedTuple):
    """What will be done: (command, fraction) of each step, and its exposures."""

    light: LightConfig
    channel: str
    objective: str
    lit_area_um2: float
    commands: tuple[tuple[float, float], ...]
    exposure_ms: float
    frames: int

    @property
    def on_s(self) -> float:
        """How long the light will be on, s."""
        lit = sum(1 for _, fraction in self.commands if fraction)
        return 2 * lit * self.exposure_ms * self.frames * 1e-3


def plan_power(
    config: RunConfig, name: str, light: str, objective: str, lit_area_um2: float, steps: int,
    hold_s: float, *, is_lit: bool = True,
) -> PowerPlan:  # fmt: skip
    """Plan the walk, and refuse it before any light if a limit forbids it.

    Parameters
    ----------
    is_lit
        Whether there will be light; readings that were written down before need none.

    Raises
    ------
    ConfigError
        Says what was asked, what the limit is, and where it was set.
    """
    source = next((s for s in config.light if not light or s.name == light), None)
    if source is None:
        known = ", ".join(repr(s.name) for s in config.light)
        raise ConfigError(f"{name}: there is no light {light!r}; there are {known}")
    channel = next((c.name for c in config.channel if c.light == source.name), None)
    who = f"{name}: light {source.name!r}"
    if channel is None:
        raise ConfigError(f"{who}: no [[channel]] uses it, so it cannot be lit")
    if not source.is_switchable:
        raise ConfigError(
            f"{who}: has no switch: read the meter, and write power_mw_at_maximum and lit_area_um2"
        )
    objective = objective or config.objective
    if not objective:
        raise ConfigError(f'{name}: say which objective is in place: --objective "20x/0.75"')
    if not 0 < lit_area_um2 <= 1e10:
        raise ConfigError(f"--lit-area-um2 must be above 0, up to 1e10, got {lit_area_um2}")
    exposure_ms, frames = 0.0, 0
    if is_lit:
        _check_limits(source, who)
        exposure_ms, frames = _exposures(source, who, hold_s)
    return PowerPlan(
        source, channel, objective, lit_area_um2, _commands(source, steps), exposure_ms, frames
    )


def _check_limits(source: LightConfig, who: str) -> None:
    limits = source.limits
    if limits.max_power_fraction < 1:
        raise ConfigError(
            f"{who}: the walk goes up to its maximum, {source.maximum:g}, and max_power_fraction "
            f"is {limits.max_power_fraction:g} ([light.limits]): no sample is there, so raise it "
            "in a config of its own"
        )
    if source.is_dimmable and limits.max_step_up < 2:
        raise ConfigError(
            f"{who}: the second step gives twice the light of the first, and max_step_up is "
            f"{limits.max_step_up:g} ([light.limits]); set it to 2"
        )


def _exposures(source: LightConfig, who: str, hold_s: float) -> tuple[float, int]:
    """Return exposure, ms, and frames that keep the light on for so long without a gap."""
    if not 0.01 <= hold_s <= 60:
        raise ConfigError(f"--hold-s must be from 0.01 to 60, got {hold_s}")
    longest_ms = source.limits.max_exposure_ms
    if hold_s * 1e3 <= longest_ms:
        return max(hold_s * 1e3, source.limits.min_exposure_ms), 1
    if source.gate == "software":
        return longest_ms, math.ceil(hold_s * 1e3 / longest_ms)
    raise ConfigError(
        f"{who}: the meter needs light for {hold_s:g} s without a gap, the {source.gate} blanks it "
        f"between exposures, and max_exposure_ms is {longest_ms:g} ([light.limits]): raise it in a "
        "config of its own, or ask for less with --hold-s"
    )


def _commands(source: LightSource, steps: int) -> tuple[tuple[float, float], ...]:
    if not source.is_dimmable:
        return (source.off_value, 0.0), (source.maximum, 1.0)
    if not 2 <= steps <= 200:
        raise ConfigError(f"--steps must be from 2 to 200, got {steps}")
    span = source.maximum - source.off_value
    fractions = [source.takes(k / steps) for k in range(1, steps)]
    rising = sorted({fraction for fraction in fractions if fraction > 0} | {1.0})
    return ((source.off_value, 0.0), *((source.off_value + f * span, f) for f in rising))


def measure_power(
    config: RunConfig, text: str, name: str, plan: PowerPlan, make_meter: Callable[[Core], Meter],
) -> PowerCalibration:  # fmt: skip
    """Walk through the powers, and fit the curve.

    Raises
    ------
    ScopeError
        If it cannot be measured; the light is off.
    """
    bare = {s.name: _uncalibrated(s) for s in config.light}
    budget = {s.name: s.limits.budget_j_cm2 for s in config.light}
    # In relative units: seconds at full power, and no more than this walk takes.
    source, lit = bare[plan.light.name], [f for _, f in plan.commands if f]
    extra_ms = source.settle_ms + source.open_delay_ms + source.close_delay_ms
    each_ms = plan.frames * (source.on_ms(plan.exposure_ms) + config.guard.switch_allowance_ms)
    budget[source.name] = 2 * sum(lit) * (each_ms + extra_ms + config.guard.lease_margin_ms) * 1e-3
    with open_stand(config, text, name, plan.channel, lights=bare, budget=budget) as stand:
        meter = make_meter(stand.core)
        readings, zero_mw = walk_power(
            stand.exposer, plan.commands, plan.exposure_ms, plan.frames, meter
        )
    try:
        return power_calibration(plan, readings, zero_mw, meter.name)
    except CalibrationRefused as error:
        read = "; ".join(f"{command:g}, {mw:g}" for command, mw in readings)
        raise CalibrationRefused(f"{error}. It was read (command, mW): {read}") from error


def power_calibration(
    plan: PowerPlan, readings: Readings, zero_mw: float, meter: str
) -> PowerCalibration:
    """Fit the curve of readings (command, mW).

    Raises
    ------
    CalibrationRefused
        If the power does not rise, or the readings do not reach from off to the maximum.
    """
    light = plan.light
    commands = [command for command, _ in readings]
    if not commands or not math.isclose(max(commands), light.maximum):
        raise CalibrationRefused(
            f"the readings end at {max(commands, default=math.nan):g}, and the maximum of light "
            f"{light.name!r} is {light.maximum:g}: what lies between is not known. Read on, or set "
            "maximum to the last command"
        )
    if min(commands) < light.off_value:
        raise CalibrationRefused(
            f"a reading at {min(commands):g} is below off_value {light.off_value:g} of light "
            f"{light.name!r}"
        )
    # Off is dark, whatever the meter's last digit says.
    beyond = [pair for pair in readings if not math.isclose(pair[0], light.off_value)]
    table = fit_power([(light.off_value, 0.0), *((c, max(0.0, mw)) for c, mw in beyond)])
    return PowerCalibration(
        light=light.name,
        wavelength_nm=light.wavelength_nm,
        objective=plan.objective,
        date=iso_date(datetime.now(UTC)),
        lit_area_um2=plan.lit_area_um2,
        device=light.power_device,
        property=light.power_property,
        off_value=light.off_value,
        maximum=light.maximum,
        table=table if light.is_dimmable else ((light.off_value, 0.0), table[-1]),
        measured=readings,
        zero_mw=zero_mw,
        meter=meter,
    )


def read_table(path: Path) -> Readings:
    """Read commands and mW that were written down before: two columns, with or without a header.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a line is no pair of numbers.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    readings: list[tuple[float, float]] = []
    for number, row in enumerate(rows):
        try:
            command, mw = (float(cell) for cell in row[:2])
        except ValueError:
            if number == 0:
                continue  # a header
            raise ConfigError(f"{path}: line {number + 1} must be command, mW; got {row}") from None
        if not (math.isfinite(command) and 0 <= mw <= MAX_MW):
            raise ConfigError(f"{path}: line {number + 1}: mW must be from 0 to 1e5, got {mw:g}")
        readings.append((command, mw))
    return tuple(readings)


def store_power(folder: Path, found: PowerCalibration) -> str:
    """Write a power calibration, and return its name."""
    return save_power(folder, found)


def _uncalibrated(light: LightConfig) -> LightSource:
    """Return a light as it is before anybody measured it: a command is its own fraction."""
    return light.model_copy(
        update={"power_mw_at_maximum": None, "power_table": (), "lit_area_um2": None}
    )
