"""The sample of a run: its light so far, its budgets, and the account that both begin."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from acquire.dose import Ledger
from acquire.dose.action import action_weight
from acquire.dose.budget import Budget
from acquire.dose.footprint import footprint_of
from acquire.errors import LightOverBudget
from acquire.plan.plan import plan_shots
from acquire.sample.file import Line
from acquire.sample.record import SampleError, SampleRecord, read_sample
from lightloop.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquire.sample.record import Taken
    from acquire.stand.scope import Scope
    from lightloop.config import RunConfig
    from lightloop.predict.prediction import Prediction

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "LIGHTLOOP_SAMPLES"  # one folder for everybody at a microscope


def sample_folder() -> Path:
    """Return where samples' records are kept: of this user, or where LIGHTLOOP_SAMPLES says.

    Raises
    ------
    SampleError
        If that is named and is not there: on a drive that has gone every sample would look new.
    """
    if named := os.environ.get(FOLDER_VARIABLE):
        if not Path(named).is_dir():
            raise SampleError(
                f"{FOLDER_VARIABLE} names {named}, and there is no such folder: is its drive "
                "there? What a sample took is not known without it. If it is new, make it"
            )
        return Path(named)
    return platformdirs.user_data_path("lightloop", appauthor=False) / "samples"


class Stage:
    """Where the stage stands, and how large a pixel is, as the microscope says when it is there."""

    def __init__(self, config: RunConfig) -> None:
        self.at_um = (0.0, 0.0, 0.0)
        self._pixel_um = config.scope.pixel_um
        self._asks_pixel = config.scope.kind == "micro-manager"

    def look(self, scope: Scope) -> None:
        """Ask the microscope."""
        self.at_um = scope.position_um()
        if self._asks_pixel:
            self._pixel_um = scope.pixel_um or self._pixel_um

    def field_um(self, chip: tuple[int, int]) -> tuple[float, float]:
        """Return width and height of the field of view of a chip of so many rows and columns."""
        return chip[1] * self._pixel_um, chip[0] * self._pixel_um


def open_sample(config: RunConfig, chip_um: tuple[float, float]) -> SampleRecord | None:
    """Open the record of the run's sample, for this run alone; None if the config names none.

    Parameters
    ----------
    chip_um
        Width and height of the camera's field of view.

    Raises
    ------
    SampleError
        If it is in use, damaged, or its doses cannot be added to this run's.
    """
    if not config.sample.id:
        return None
    prints = {light.name: footprint_of(light, chip_um) for light in config.light}
    return SampleRecord(sample_folder(), config.sample.id, _lines(config), prints)


def keep_record(record: SampleRecord | None, ledger: Ledger) -> None:
    """Write what the sample took; until then it stands in the record's journal."""
    if record is None:
        return
    try:
        record.save(ledger.maps)
    except SampleError as error:
        logger.warning("%s (nothing is lost: it was written down as it was given)", error)


def build_ledger(
    config: RunConfig,
    chip_um: tuple[float, float],
    record: SampleRecord | None = None,
    taken: Taken | None = None,
    name: str = "",
) -> Ledger:
    """Make the account of a run, which begins with what the sample took before.

    `name` is that of the config's file: who is refused is told where the budget was set.
    """
    before = record.taken if record is not None else taken
    lines = {**(before.lines if before is not None else {}), **_lines(config)}
    more: dict[str, Any] = {"note": record.note} if record is not None else {}
    most = config.sample.damage_j_cm2
    calibrated = {name: line for name, line in lines.items() if line.is_calibrated}
    return Ledger(
        {
            light.name: Budget(
                light.limits.budget_j_cm2,
                float("inf") if light.limits.highest_j_cm2 is None else light.limits.highest_j_cm2,
            )
            for light in config.light
        },
        footprints={light.name: footprint_of(light, chip_um) for light in config.light},
        before=before.planes if before is not None else None,
        harm={name: action_weight(line.wavelength_nm) for name, line in calibrated.items()},
        damage=float("inf") if most is None else most,
        config=name,
        **more,
    )


def check_sample(
    config: RunConfig,
    prediction: Prediction,
    name: str,
    chip_um: tuple[float, float],
    at_um: tuple[float, float, float],
    folder: Path | None = None,
) -> dict[str, float]:
    """Book the whole plan on a copy of the sample's record; refuse what its budget cannot pay.

    Fields that overlap add up here, as they will in the run. A lamp that is always on is shared by
    the fields as the run's time is.

    Parameters
    ----------
    at_um
        Where the stage stands: where the plan begins, unless it says so itself.

    Returns
    -------
    dict
        The most that any field of the plan has taken before, by line.

    Raises
    ------
    ConfigError
        If a field would pass a budget, or the record cannot be used.
    """
    taken = _taken(config, name, folder)
    ledger = build_ledger(config, chip_um, taken=taken, name=name)
    places = list(_places(config, at_um))
    before = dict.fromkeys((light.name for light in config.light), 0.0)
    for light, map_ in ledger.maps.items():
        before[light] = max(map_.mean(*place) for place in places)
    whose = f"sample {config.sample.id!r}: " if config.sample.id else ""
    for given in prediction.lights:
        source = next(one for one in config.light if one.name == given.light)
        dose = given.dose if source.is_switchable else given.dose / len(places)
        for number, place in enumerate(places):
            try:
                ledger.settle(ledger.reserve(number, given.light, dose, place), dose)
            except LightOverBudget as error:
                raise ConfigError(
                    f"{name}: over budget: {whose}{error} (for the whole plan, at "
                    f"{place[0]:.0f}, {place[1]:.0f} um; fields that overlap add up)"
                ) from error
    return before


def check_record(config: RunConfig, name: str, folder: Path | None = None) -> None:
    """Refuse a sample whose record cannot be used, before anything is started.

    Raises
    ------
    ConfigError
        If it is damaged, or its doses cannot be added to this run's.
    """
    _taken(config, name, folder)


def _taken(config: RunConfig, name: str, folder: Path | None) -> Taken | None:
    if not config.sample.id:
        return None
    try:
        taken = read_sample(folder or sample_folder(), config.sample.id)
        taken.check(_lines(config))
    except SampleError as error:
        raise ConfigError(f"{name}: {error}") from error
    return taken


def _lines(config: RunConfig) -> dict[str, Line]:
    return {light.name: Line(light.wavelength_nm, light.is_calibrated) for light in config.light}


def _places(config: RunConfig, at_um: tuple[float, float, float]) -> Iterator[tuple[float, float]]:
    """Yield where the stage stands for each field of the plan."""
    for planned in plan_shots(config.sequence().replace(time_plan=None), at_um):
        yield planned.exposures[0].position_um[:2]
