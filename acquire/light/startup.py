"""Light that a Micro-Manager configuration file would leave on, read before it is loaded.

Loading such a file applies its `Property` lines in order, and then the preset `Startup` of the
group `System` (MMCore, `loadSystemConfiguration`). What these leave open would shine before the
guard is there. What a device does when it is switched on, or what somebody left on by hand, no file
tells: the guard closes that when a run begins (`acquire.light.darkness`).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from acquire.errors import StartupLit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from acquire.light.source import LightSource

_PYTHON = "#py "  # begins a line that pymmcore-plus reads; any other line with a # is a comment
_OPENS = frozenset({"state", "label", "open", "onoff", "on-off", "on/off", "shutter"})
_CLOSED = frozenset({"0", "closed", "close", "shut", "off", "false", "no"})


class Setting(NamedTuple):
    """What the last line that sets a property of a device says."""

    value: str
    line: str


def refuse_lit_startup(system: Path | str, sources: Iterable[LightSource]) -> None:
    """Refuse a configuration file that leaves a declared light on when it is loaded.

    Parameters
    ----------
    system
        Micro-Manager configuration file, or "demo". One that is not found is left to the loading.

    Raises
    ------
    StartupLit
        Names the line, the light, and what it must say.
    """
    path = _find(system)
    if path is None:
        return
    found = settings_of(path.read_text("utf-8", errors="replace"))
    for source in sources:
        if cause := lit_by(source, found):
            raise StartupLit(
                f"{path.name} leaves light {source.name!r} on when it is loaded, by its line "
                f"{cause.line!r}: light would be given before anybody watches over it. Set it to "
                f"off there ({_off(source, cause)}), or take the line out"
            )


def settings_of(text: str) -> dict[tuple[str, str], Setting]:
    """Return what each property of each device is at last set to, by loading such a file."""
    found: dict[tuple[str, str], Setting] = {}
    preset: dict[tuple[str, str], Setting] = {}
    for line in map(str.strip, text.splitlines()):
        row = [cell.strip() for cell in line.removeprefix(_PYTHON).split(",")]
        if row[0] == "Property" and len(row) >= 4:
            found[row[1], row[2]] = Setting(row[3], line)
        elif row[:3] == ["ConfigGroup", "System", "Startup"] and len(row) >= 6:
            preset[row[3], row[4]] = Setting(row[5], line)
    return found | preset


def lit_by(source: LightSource, found: Mapping[tuple[str, str], Setting]) -> Setting | None:
    """Return the setting that leaves a light on; None if the file leaves it off, or says nothing.

    Behind a shutter that nobody opens no power is light. A power that is not told, behind one that
    is opened, counts as on.
    """
    power = found.get((source.power_device, source.power_property)) if source.power_device else None
    is_off = power is not None and _is_off(source, power.value)
    if not source.shutter_device:
        return None if is_off else power
    opened = [
        setting
        for (device, name), setting in found.items()
        if device == source.shutter_device
        and name.lower() in _OPENS
        and setting.value.lower() not in _CLOSED
    ]
    return opened[0] if opened and not is_off else None


def _is_off(source: LightSource, value: str) -> bool:
    """Whether a power is off; one that cannot be understood is not."""
    if source.on_text:
        return value == source.off_text
    try:
        return source.command_fraction(float(value)) <= source.dark_below
    except ValueError:
        return False


def _off(source: LightSource, cause: Setting) -> str:
    is_shutter = f",{source.shutter_device}," in cause.line
    return "closed" if is_shutter else source.off_text or f"{source.off_value:g}"


def _find(system: Path | str) -> Path | None:
    """Return where a file lies that Micro-Manager would find: here, or in its own folder."""
    if (path := Path(system)).is_file():
        return path
    plus = importlib.import_module("pymmcore_plus")
    own = Path(plus.find_micromanager() or "")
    path = own / ("MMConfig_demo.cfg" if system == "demo" else system)
    return path if path.is_file() else None
