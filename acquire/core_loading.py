"""How to load a Micro-Manager core: for devices in C++, or for those written in Python too."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from acquire.core_trouble import explained
from acquire.errors import DeviceMissing
from acquire.plain_path import load_file

if TYPE_CHECKING:
    from acquire.core import Core

PYTHON_DEVICE = "#py "  # begins a line that pymmcore-plus reads, and others take for a comment


def load_system(config: Path | str = "demo") -> Core:
    """Load a Micro-Manager configuration file; "demo" is the one that comes with the test devices.

    The core's own shutter automatism is switched off at once: only the guard moves light.

    Raises
    ------
    DeviceMissing
        If the file is not there, or Micro-Manager cannot load a device of it.
    """
    lines = _text(config)
    core = new_core(lines)
    try:
        if config == "demo":
            core.loadSystemConfiguration()
        elif (path := Path(config)).is_file():
            load_file(core, path)
        else:
            core.loadSystemConfiguration(str(config))
    except (OSError, RuntimeError) as error:
        said = " ".join(str(error).split())
        help_ = explained(said, lines) or "does the same file load in Micro-Manager itself?"
        raise DeviceMissing(f"Micro-Manager cannot load {config}: {said}; {help_}") from error
    core.setAutoShutter(False)
    return cast("Core", core)


def new_core(lines: str) -> Any:
    """Return an empty core that can load a configuration: one for Python devices if it has any."""
    if any(line.startswith(PYTHON_DEVICE) for line in lines.splitlines()):
        return importlib.import_module("pymmcore_plus.experimental.unicore").UniMMCore()
    return importlib.import_module("pymmcore_plus").CMMCorePlus()


def _text(config: Path | str) -> str:
    """Return what is written in a configuration file; nothing if Micro-Manager has to find it."""
    path = Path(config)
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""
