"""How every device was set when a run began, for its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.core_refusals import commanding
from acquire.errors import ScopeError

if TYPE_CHECKING:
    from acquire.core import Core


def device_state(core: Core) -> dict[str, dict[str, str]]:
    """Ask every device for its properties: label, property, value.

    A property that cannot be read says so in place of its value: a record of a run must not be the
    reason that there is none.
    """
    return {
        str(label): {
            str(name): _ask(core, str(label), str(name))
            for name in core.getDevicePropertyNames(label)
        }
        for label in core.getLoadedDevices()
    }


def _ask(core: Core, label: str, name: str) -> str:
    try:
        with commanding(f"asking {label} for {name}"):
            return str(core.getProperty(label, name))
    except ScopeError as error:
        return f"(cannot be read: {error})"
