"""What is left of a run that ended too soon: its plan from there on, and its budget."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.check.files import RUN_SUFFIXES
from lightloop.config import ConfigError, parse
from lightloop.predict.prediction import predict
from realtime.errors import RunFileError
from realtime.run_file.journal import decode_document
from realtime.run_file.part import Part
from realtime.run_file.reader import RunReader
from realtime.wire import Start

if TYPE_CHECKING:
    from acquire.dose import Ledger
    from acquire.frame import FrameInfo


@dataclass(frozen=True, slots=True)
class Given:
    """Light that a run gave to one place: field, line, stage x and y um, dose."""

    position: int
    light: str
    at_um: tuple[float, float]
    dose: float


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run to go on with.

    Attributes
    ----------
    shots
        Shots of the plan that were begun. Light cannot be taken back: none is begun twice.
    given
        Its light, by place.
    """

    config_toml: str
    shots: int
    given: tuple[Given, ...] = field(repr=False)

    def book(self, ledger: Ledger) -> None:
        """Put its light into the account of the run that goes on with it."""
        for one in self.given:
            ledger.remember(one.position, one.light, one.dose, one.at_um)


def read_unfinished(path: Path) -> Unfinished:
    """Read a run that shall go on.

    Raises
    ------
    ConfigError
        If the file cannot be read, or there is nothing to go on with.
    """
    try:
        with RunReader(path) as run:
            if not run.start.config_toml or run.start.origin.startswith(("replay", "import")):
                raise ConfigError(f"{path.name}: is a {run.start.origin}, and has no plan to go on")
            infos = run.infos
            numbers = [info.shot.number for info in infos]
            numbers += [message.shot for message in run.applied if message.applied]
            given = _by_place(infos)
            total = run.end.dose_j_cm2 if run.end is not None else None
            config_toml, before = run.start.config_toml, run.start.goes_on_with
    except RunFileError as error:
        raise ConfigError(f"{path}: cannot go on with it: {error}") from error
    earlier = _earlier(path, before) if before else None
    # A run that went on and ended before its first frame has taken back no shot of the one before.
    shots = max(max(numbers, default=-1) + 1, earlier.shots if earlier is not None else 0)
    if shots >= predict(parse(config_toml, path.name)).shots:
        raise ConfigError(f"{path.name}: its plan is done; nothing is left to go on with")
    spent = earlier.given if earlier is not None else ()
    return Unfinished(config_toml, shots, (*spent, *given, *_elsewhere(given, total, infos)))


def refuse_gone_on(path: Path, *folders: Path) -> None:
    """Refuse to go on a second time with a run: each would spend the budget that it left.

    Parameters
    ----------
    folders
        Where the run file of another that went on with it may lie, beside its own folder.

    Raises
    ------
    ConfigError
        Names the file to go on with instead.
    """
    for folder in dict.fromkeys(one.absolute() for one in (path.parent, *folders)):
        for suffix in RUN_SUFFIXES:
            for other in sorted(folder.glob(f"*{suffix}")):
                if path.exists() and _goes_on_with(other, path):
                    raise ConfigError(
                        f"{path.name}: {other} went on with it already, and two runs would each "
                        f"spend the budget that it left: go on with {other.name} instead"
                    )


def _goes_on_with(other: Path, path: Path) -> bool:
    try:
        part = Part(other)
    except RunFileError:
        return False  # no run, or a damaged one: nobody can go on with that either
    try:
        start = next((decode_document(packet, other.name) for packet in part.packets()), None)
        before = start.goes_on_with if isinstance(start, Start) else ""
        return bool(before) and Path(before).exists() and Path(before).samefile(path)
    except RunFileError:
        return False
    finally:
        part.close()


def _earlier(path: Path, before: str) -> Unfinished:
    """Return the run that an unfinished one went on with itself, whose light counts too."""
    try:
        return read_unfinished(Path(before))
    except ConfigError as error:
        raise ConfigError(
            f"{path.name} went on with {before}, whose light counts too: {error}; put that file "
            "back, or name a sample in the config, which remembers it"
        ) from error


def _by_place(infos: list[FrameInfo]) -> list[Given]:
    doses: defaultdict[tuple[int, str, float, float], float] = defaultdict(float)
    for info in infos:
        x_um, y_um = info.position_um[:2]
        key = (info.shot.position, info.applied.light, x_um, y_um)
        doses[key] += info.applied.dose_j_cm2
    return [
        Given(position, light, (x_um, y_um), dose)
        for (position, light, x_um, y_um), dose in doses.items()
    ]


def _elsewhere(
    given: list[Given], total: dict[str, float] | None, infos: list[FrameInfo]
) -> list[Given]:
    """Return the light that no frame tells of, for every field: nobody knows which one took it.

    That is what the run's own account holds beyond its frames: lost frames, lamps, exposures that
    broke off. Of a run without an end it is the light of one more shot like its last.
    """
    if total is None:
        missing: dict[str, float] = defaultdict(float)
        for info in infos:
            if info.shot.number == infos[-1].shot.number:
                missing[info.applied.light] += info.applied.dose_j_cm2
    else:
        told: dict[str, float] = defaultdict(float)
        for one in given:
            told[one.light] += one.dose
        missing = {light: dose - told[light] for light, dose in total.items()}
    places = {(one.position, one.at_um) for one in given}
    return [
        Given(position, light, at_um, dose)
        for light, dose in missing.items()
        if dose > 1e-9 * (total or missing)[light]
        for position, at_um in sorted(places)
    ]
