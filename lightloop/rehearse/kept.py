"""What a stand did when its light was rehearsed: kept for each set of lights, shown before a run.

A rehearsal belongs to the lights as the config describes them: change a device, a delay or a gate,
and it is another stand.
"""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import platformdirs

from acquire.errors import ScopeError
from acquire.in_place import put_in_place
from lightloop.config import ConfigError, MicroManagerConfig
from lightloop.rehearse.stand import stand_sha256

if TYPE_CHECKING:
    from lightloop.config import LightConfig, RunConfig

FOLDER_VARIABLE = "LIGHTLOOP_REHEARSALS"  # one folder for everybody at a microscope
SLOW_S = 3.0  # from the deadline; most drivers need less than one; proposed
OLD_DAYS = 90  # shutters wear and cables are moved; proposed


class LineFigures(msgspec.Struct, frozen=True):
    """One light: what it did when it was told to, and who saw it. None where nobody could tell.

    Attributes
    ----------
    seen_by
        "camera", "meter" (read by a person), or "read-back" (the device's own word, no proof).
    frame_ms
        Time from frame to frame of the camera that looked: what is said is true to that.
    open_ms, close_ms
        From the command until the light was there, and gone.
    keeper_ms
        From a lease's deadline, with its owner hanging, until the keeper had made it dark.
    closed_share, closed_limit
        Light behind the closed switch with the power still set, as a share of the light that was
        switched, and the least that would have shown.
    off_share, off_limit
        The same with everything off.
    dose
        What the rehearsal gave, as booked.
    """

    light: str
    power_fraction: float
    seen_by: Literal["camera", "meter", "read-back"]
    frame_ms: float | None
    open_ms: float | None
    close_ms: float | None
    keeper_ms: float | None
    closed_share: float | None
    closed_limit: float | None
    off_share: float | None
    off_limit: float | None
    dose: float
    dose_unit: str

    def in_words(self) -> str:
        """Say it in one line."""
        frame = f", {self.frame_ms:.3g} ms frames" if self.frame_ms is not None else ""
        return (
            f"opens in {_ms(self.open_ms)}, closes in {_ms(self.close_ms)}, dark "
            f"{_ms(self.keeper_ms)} after a deadline that nobody kept "
            f"({self.seen_by}{frame}); {self._leaks()}"
        )

    def _leaks(self) -> str:
        if None in (self.closed_share, self.closed_limit, self.off_share, self.off_limit):
            return "nobody has looked for leaks"
        return (
            f"{_leak(self.closed_share, self.closed_limit)} behind its closed switch, "
            f"{_leak(self.off_share, self.off_limit)} with everything off"
        )


class Rehearsal(msgspec.Struct, frozen=True):
    """Every light of a stand, and when.

    Attributes
    ----------
    stand_sha256
        Of the lights as the config describes them (`stand_sha256`).
    reference
        What the leaks are over: "lamp off by hand", or "switched off by us".
    """

    date: str
    config_name: str
    stand_sha256: str
    camera: str
    reference: str
    lines: tuple[LineFigures, ...]


class Word(NamedTuple):
    """One sentence about a rehearsal, and whether it is a warning."""

    text: str
    is_warning: bool


def rehearsal_folder() -> Path:
    """Return where rehearsals are kept: of this user, or where LIGHTLOOP_REHEARSALS says."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return platformdirs.user_data_path("lightloop", appauthor=False) / "rehearsals"


def save(found: Rehearsal, folder: Path | None = None) -> Path:
    """Keep a rehearsal, in place of an older one of the same stand; return its file.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    path = _path(folder or rehearsal_folder(), found.stand_sha256)
    draft = path.with_name(f".draft-{uuid.uuid4()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
        put_in_place(draft, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error}") from error
    return path


def load(config: RunConfig, folder: Path | None = None) -> Rehearsal | None:
    """Return the last rehearsal of a config's stand; None if there is none.

    Raises
    ------
    ConfigError
        If its file cannot be read.
    """
    path = _path(folder or rehearsal_folder(), stand_sha256(config))
    try:
        return msgspec.json.decode(path.read_bytes(), type=Rehearsal)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}): rehearse again") from error


def words(
    config: RunConfig, name: str, folder: Path | None = None, now: datetime | None = None
) -> list[Word]:
    """Say how a config's lights behaved when they were rehearsed, and what is to be doubted."""
    folder = folder or rehearsal_folder()
    try:
        found = load(config, folder)
    except ScopeError as error:
        return [Word(str(error), is_warning=True)]
    if found is None:
        return _without(config, name, folder)
    days = ((now or datetime.now(UTC)) - datetime.fromisoformat(found.date)).days
    said = [Word(f"rehearsed {found.date[:10]}, {found.reference}", is_warning=False)]
    if days > OLD_DAYS:
        said = [Word(f"rehearsed {days} days ago: do it again, lightloop rehearse {name}", True)]
    known = {line.light: line for line in found.lines}
    for light in config.light:
        if light.name not in known:
            if light.is_switchable:
                said.append(Word(f"light {light.name!r}: was not rehearsed", is_warning=True))
            continue
        line = known[light.name]
        said.append(Word(f"light {light.name!r}: {line.in_words()}", is_warning=False))
        said += [Word(f"light {light.name!r}: {doubt}", True) for doubt in doubts(light, line)]
    return said


def doubts(light: LightConfig, line: LineFigures) -> list[str]:
    """Say what was measured and is not as the config has it."""
    frame_ms = line.frame_ms or 0.0
    said = []
    for what, found_ms, declared_ms in (
        ("open_delay_ms", line.open_ms, light.open_delay_ms),
        ("close_delay_ms", line.close_ms, light.close_delay_ms),
    ):
        if found_ms is not None and found_ms > declared_ms + max(frame_ms, 5.0):
            said.append(
                f"{what} is {declared_ms:g}, and {found_ms:.3g} ms were measured: set it to that"
            )
    if line.keeper_ms is not None and line.keeper_ms > 1e3 * SLOW_S:
        said.append(
            f"its driver needs {1e-3 * line.keeper_ms:.3g} s to start: if the scope dies in the "
            "light, it stays on for so long; a hardware interlock would end it sooner"
        )
    for share, limit, where in (
        (line.closed_share, line.closed_limit, "its closed switch"),
        (line.off_share, line.off_limit, "everything switched off"),
    ):
        if share is not None and limit is not None and share > limit:
            said.append(f"{share:.2%} of its light passes with {where}")
    if line.seen_by == "read-back":
        repeats = "which only repeats what it is told" if light.read_back == "cached" else ""
        said.append(
            "nobody has seen it go dark but its own read-back"
            f"{', ' if repeats else ''}{repeats}: look at it once yourself"
        )
    return said


def _without(config: RunConfig, name: str, folder: Path) -> list[Word]:
    if not isinstance(config.scope, MicroManagerConfig):
        return [Word("there is no real light: no need to rehearse", is_warning=False)]
    if any(_is_of(path, name) for path in folder.glob("*.json")):
        why = "its lights are not as they were when they were rehearsed"
    else:
        why = "its lights were never rehearsed: nobody has seen how they end on this stand"
    return [Word(f"{why}; before the first run: lightloop rehearse {name}", is_warning=True)]


def _is_of(path: Path, name: str) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Rehearsal).config_name == name
    except (OSError, msgspec.MsgspecError):
        return False  # of another version, or no rehearsal


def _path(folder: Path, sha256: str) -> Path:
    return folder / f"{sha256[:16]}.json"


def _ms(value: float | None) -> str:
    return "an unknown time" if value is None else f"{max(value, 0.0):.3g} ms"


def _leak(share: float | None, limit: float | None) -> str:
    if share is None or limit is None:
        return "an unknown share of its light"
    if share > limit:
        return f"{share:.2%} of its light"
    return f"less than {100 * max(limit, 1e-6):.2g}% of its light"
