"""The keeper's own way to real light: a second core that loads the light devices, and no others."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from acquire.core import commanding
from acquire.errors import DeviceMissing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquire.core import Core
    from acquire.source import LightSource


def load_lights(config: Path | str, sources: Iterable[LightSource]) -> Core:
    """Load the light devices of a Micro-Manager configuration file into a core of their own.

    No camera and no stage is touched, and no startup preset is applied: it might light up. The
    owner of the devices must be gone, or it still holds their ports.

    Raises
    ------
    DeviceMissing
        If the file is not there.
    SettingRefused
        If Micro-Manager cannot load the devices.
    """
    plus = importlib.import_module("pymmcore_plus")
    core = plus.CMMCorePlus()
    path = Path(plus.find_micromanager() or "") / "MMConfig_demo.cfg"
    path = path if config == "demo" else Path(config)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DeviceMissing(f"cannot read {path}: {error}") from error
    labels = frozenset(label for source in sources for label in source.devices)
    with tempfile.TemporaryDirectory() as folder, commanding("loading the light devices"):
        part = Path(folder) / "lights.cfg"
        part.write_text(lines_for(text, labels), encoding="utf-8")
        core.loadSystemConfiguration(str(part))
    core.setAutoShutter(False)
    return cast("Core", core)


def lines_for(text: str, labels: frozenset[str]) -> str:
    """Return the lines of a configuration file that bring some devices to life, and no others.

    Those are the devices, what they hang on (hubs, serial ports, and any device that a property of
    theirs names, as a shutter names its lamp), and what these are told before they are initialized.
    After it, only properties that name a device are kept: others may set a power.
    """
    rows = [line.strip().split(",") for line in text.splitlines() if not line.startswith("#")]
    rows = [row for row in rows if len(row) >= 3]
    known = {row[1] for row in rows if row[0] == "Device"}
    needed = _closure(rows, labels & known, known)
    kept, is_initialized = [], False
    for row in rows:
        kind, label, last = row[0], row[1], row[-1]
        if row[:3] == ["Property", "Core", "Initialize"]:
            is_initialized = last == "1"
            kept.append(row)
        elif label in needed and (
            kind in ("Device", "Parent", "Label", "Delay")
            or (kind == "Property" and (not is_initialized or last in known))
        ):
            kept.append(row)
    return "\n".join(map(",".join, kept)) + "\n"


def _closure(rows: list[list[str]], labels: frozenset[str], known: set[str]) -> set[str]:
    """Return the labels and, again and again, every device that these hang on."""
    needed, new = set(labels), set(labels)
    while new:
        named = {row[-1] for row in rows if row[0] in ("Parent", "Property") and row[1] in new}
        new = (named & known) - needed
        needed |= new
    return needed
