"""What a core lacks or refuses, said so that one knows what to do."""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from acquire.errors import DeviceMissing, ScopeError, SettingRefused

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from acquire.core import Core


@contextmanager
def commanding(what: str) -> Generator[None]:
    """Turn whatever a driver raises into an error that a run ends with in good order.

    Raises
    ------
    SettingRefused
        Says which command failed, and what the driver said.
    """
    try:
        yield
    except ScopeError:
        raise
    except Exception as error:  # drivers raise anything; Micro-Manager makes it a RuntimeError
        raise SettingRefused(f"{what} failed: {error}") from error


def require_device(core: Core, label: str, role: str) -> None:
    """Check that a device is loaded.

    Raises
    ------
    DeviceMissing
        With the labels that look most like it.
    """
    loaded = core.getLoadedDevices()
    if label not in loaded:
        raise DeviceMissing(f"{role}: no device {label!r}; {near_misses(label, loaded)}")


def require_property(core: Core, label: str, name: str, role: str) -> None:
    """Check that a device is loaded and has a property.

    Raises
    ------
    DeviceMissing
        With the names that look most like it.
    """
    require_device(core, label, role)
    names = core.getDevicePropertyNames(label)
    if name not in names:
        raise DeviceMissing(
            f"{role}: device {label!r} has no property {name!r}; {near_misses(name, names)}"
        )


def near_misses(asked: str, found: Iterable[str]) -> str:
    """Say which names look most like the one that was asked for."""
    names = [str(name) for name in found]
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(asked.lower(), by_lower, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(by_lower[name]) for name in near) + "?"
    return "there are " + (", ".join(map(repr, names)) or "none")
