"""A power meter that Micro-Manager drives, read while the light is on."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from acquire.core_refusals import commanding, require_property
from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from acquire.core import Core

SETTLE = 0.4  # of the light's time pass before a meter is believed; proposed
READ_EVERY_S = 0.05


class PropertyMeter:
    """A power meter that Micro-Manager drives.

    Parameters
    ----------
    mw_per_unit
        1000 for a meter that reports W, 0.001 for one that reports uW.
    """

    def __init__(self, core: Core, device: str, name: str, mw_per_unit: float = 1.0) -> None:
        require_property(core, device, name, "--meter")
        self.name = f"{device} {name}"
        self._core, self._device, self._property = core, device, name
        self._mw_per_unit = mw_per_unit
        self._seen: list[float] = []

    def watch(self, command: float, hold_s: float, *, is_lit: bool) -> None:
        """Read it again and again in the later part of the light."""
        end_s = time.monotonic() + 0.9 * hold_s
        time.sleep(SETTLE * hold_s)
        self._seen = [self._read()]
        while time.monotonic() < end_s:
            time.sleep(READ_EVERY_S)
            self._seen.append(self._read())

    def reading_mw(self, command: float) -> float:
        """Return the median of what it showed, mW."""
        return statistics.median(self._seen)

    def _read(self) -> float:
        with commanding(f"reading {self.name}"):
            found = str(self._core.getProperty(self._device, self._property))
        try:
            return float(found) * self._mw_per_unit
        except ValueError:
            raise SettingRefused(
                f"the meter {self.name} says {found!r}, which is no number"
            ) from None
