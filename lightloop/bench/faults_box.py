"""A light box that can be broken in more ways, and that charts when it gave light."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import SettingRefused
from acquire.simulated.light.light_source import LightBox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acquire.simulated.light.light_words import BoxState, Line


class FaultyBox(LightBox):
    """The simulated light box with faults of single functions; its meter and chart never break.

    Parameters
    ----------
    chart
        Takes begin and end of each stretch of light, s of `clock`.

    Attributes
    ----------
    refuses_power, ignores_power
        A power above zero is answered with an error, or as if it were taken, and is not.
    sticks_open
        The shutter does not close; its read-back tells the truth.
    lies_at_close
        The next time that the shutter closes it says that it is open, once.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        clock: Callable[[], float] = time.perf_counter,
        chart: Callable[[float, float], object] = lambda begin_s, end_s: None,
    ) -> None:
        self._chart = chart
        self.refuses_power = self.ignores_power = False
        self.sticks_open = self.lies_at_close = self._lies = False
        super().__init__(lines, clock)

    def set_power(self, name: str, fraction: float) -> BoxState:
        """Set the power of a line, unless that is what is broken."""
        if fraction > 0 and self.refuses_power:
            raise SettingRefused(f"the light box refuses to set {name} to {fraction:g}")
        if fraction > 0 and self.ignores_power:
            return self.state()
        return super().set_power(name, fraction)

    def set_open(self, is_open: bool) -> BoxState:
        """Move the shutter, unless that is what is broken."""
        if not is_open and self.sticks_open:
            return self.state()
        state = super().set_open(is_open)
        if not is_open and self.lies_at_close:
            self.lies_at_close, self._lies = False, True
        return state

    def state(self) -> BoxState:
        """Read the box back."""
        state = super().state()
        if self._lies and not state.is_open:
            self._lies = False
            return msgspec.structs.replace(state, is_open=True)
        return state

    def _book_until(self, now_s: float) -> None:
        if now_s > self._since_s and any(map(self._is_lit, self._lines.values())):
            self._chart(self._since_s, now_s)
        super()._book_until(now_s)
