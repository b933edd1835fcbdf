"""The keeper's own way to real light: a second core that loads the light devices, and no others.

One light that cannot be reached must not keep the others on: where they do not load together, each
is tried by itself.
"""

from __future__ import annotations

import importlib
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from acquire.core_loading import PYTHON_DEVICE, new_core
from acquire.core_refusals import commanding
from acquire.errors import DeviceMissing, ScopeError
from acquire.light.port import LightPort
from acquire.plain_path import load_file, plain_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from acquire.core import Core
    from acquire.light.source import LightSource


class PartCore:
    """Some devices of a Micro-Manager configuration, made ready now and loaded when needed.

    Importing Micro-Manager takes half a second, and the file may change: both are done with here,
    so that a keeper which has light to end has nothing left to do but to load the devices.

    Parameters
    ----------
    config
        Micro-Manager configuration file, or "demo".
    labels
        The devices; what they hang on is loaded with them.

    Raises
    ------
    DeviceMissing
        If the file cannot be read, or there is no folder to write one for Micro-Manager in.
    """

    def __init__(self, config: Path | str, labels: Iterable[str]) -> None:
        plus = importlib.import_module("pymmcore_plus")
        path = Path(plus.find_micromanager() or "") / "MMConfig_demo.cfg"
        path = path if config == "demo" else Path(config)
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")  # written as it was
        except OSError as error:
            raise DeviceMissing(f"cannot read {path}: {error}") from error
        plain_path(Path(tempfile.gettempdir()))  # else said now, not when light is to end
        self._lines = lines_for(text, frozenset(labels))
        self._core = new_core(self._lines)

    def load(self) -> Core:
        """Load the devices. Their owner must be gone, or it still holds their ports.

        Raises
        ------
        SettingRefused
            If Micro-Manager cannot load them.
        """
        with tempfile.TemporaryDirectory() as folder, commanding("loading the light devices"):
            part = Path(folder) / "lights.cfg"
            part.write_text(self._lines, encoding="utf-8", errors="surrogateescape")
            load_file(self._core, part)
        self._core.setAutoShutter(False)
        return cast("Core", self._core)

    def unload(self) -> None:
        """Let go of the devices; may be called where they were never loaded."""
        with commanding("letting go of the light devices"):
            self._core.unloadAllDevices()


class OwnWay:
    """A way to lights that needs nobody else's core; made ready now, and taken when it is needed.

    Parameters
    ----------
    config
        Micro-Manager configuration file, or "demo".
    sources
        The lights; those without any switch are left out.

    Raises
    ------
    DeviceMissing
        If the file cannot be read.
    """

    def __init__(self, config: Path | str, sources: Iterable[LightSource]) -> None:
        self._sources = [source for source in sources if source.is_switchable]
        self._together = PartCore(config, labels_of(self._sources))
        self._apart = [PartCore(config, labels_of([source])) for source in self._sources]

    def go_dark(self) -> bool:
        """Switch every light off; return whether all of them are read back dark.

        Raises
        ------
        ScopeError
            If one cannot be reached, after all were tried.
        """
        try:
            port = LightPort(self._together.load(), self._sources)
        except ScopeError:
            if len(self._sources) < 2:
                raise
            return self._one_by_one()
        return _all_of([partial(port.dark, source) for source in self._sources])

    def _one_by_one(self) -> bool:
        with suppress(ScopeError):  # those that did load hold their ports
            self._together.unload()
        pairs = zip(self._apart, self._sources, strict=True)
        return _all_of([partial(_dark_alone, part, source) for part, source in pairs])


def _dark_alone(part: PartCore, source: LightSource) -> bool:
    """Switch one light off by a core that has nothing else, and let go of its port again."""
    try:
        return LightPort(part.load(), [source]).dark(source)
    finally:
        part.unload()


def _all_of(deeds: Sequence[Callable[[], bool]]) -> bool:
    """Do all of them, whichever fails; return whether all came true, or raise what failed first."""
    failed: list[Exception] = []
    is_so = True
    for deed in deeds:
        try:
            is_so = deed() and is_so
        except Exception as error:  # any driver may raise anything; the other lights are due
            failed.append(error)
    if failed:
        raise failed[0]
    return is_so


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
    return PartCore(config, labels_of(sources)).load()


def labels_of(sources: Iterable[LightSource]) -> frozenset[str]:
    """Return the labels of every device that a light is switched or dimmed by."""
    return frozenset(label for source in sources for label in source.devices)


def lines_for(text: str, labels: frozenset[str]) -> str:
    """Return the lines of a configuration file that bring some devices to life, and no others.

    Those are the devices, what they hang on (hubs, serial ports, and any device that a property of
    theirs names, as a shutter names its lamp), and what these are told before they are initialized.
    After it, only properties that name a device are kept: others may set a power. Python devices,
    in lines that begin with "#py ", are devices like any other.
    """
    rows = [row for row in map(_row, text.splitlines()) if len(row) >= 3]
    known = {row[1] for row in rows if _kind(row) in ("Device", "pyDevice")}
    needed = _closure(rows, labels & known, known)
    kept, is_initialized = [], False
    for row in rows:
        kind, label, last = _kind(row), row[1], row[-1]
        if (kind, *row[1:3]) == ("Property", "Core", "Initialize"):
            is_initialized = last == "1"
            kept.append(row)
        elif label in needed and (
            kind in ("Device", "pyDevice", "Parent", "Label", "Delay")
            or (kind == "Property" and (not is_initialized or last in known))
        ):
            kept.append(row)
    return "\n".join(map(",".join, kept)) + "\n"


def _row(line: str) -> list[str]:
    line = line.strip()
    is_comment = line.startswith("#") and not line.startswith(PYTHON_DEVICE)
    return [] if is_comment else line.split(",")


def _kind(row: list[str]) -> str:
    return row[0].removeprefix(PYTHON_DEVICE)


def _closure(rows: list[list[str]], labels: frozenset[str], known: set[str]) -> set[str]:
    """Return the labels and, again and again, every device that these hang on."""
    needed, new = set(labels), set(labels)
    while new:
        named = {row[-1] for row in rows if _kind(row) in ("Parent", "Property") and row[1] in new}
        new = (named & known) - needed
        needed |= new
    return needed
