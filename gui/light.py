"""What is known about the light: read back, never assumed. No Qt here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gui.state import LightReading, LightWord, StopState, StopWatch
from gui.why import steady

if TYPE_CHECKING:
    from acquire.frame import FrameInfo
    from acquire.settings import Applied
    from realtime.wire import AppliedMessage, End, Reply


class LightState:
    """The newest thing that a device or the guard has said about the light.

    Attributes
    ----------
    stop
        The STOP LIGHT button's progress.
    is_recorded
        The readings are of a recording; no light is ours.
    """

    def __init__(self) -> None:
        self.reading = LightReading()
        self.stop = StopWatch()
        self.applied: tuple[Applied, ...] = ()
        self.is_recorded = False
        self._dark_ns = -1

    @property
    def is_in_doubt(self) -> bool:
        """Whether darkness was asked for and not confirmed."""
        return self.stop.state is StopState.NOT_CONFIRMED

    def take_frame(self, info: FrameInfo) -> None:
        """Take the truth that a frame carries.

        A frame that was taken before the confirmed darkness, and arrives after it, says nothing
        new; so its own time counts (frames come from this host: they lie in shared memory).
        """
        if info.t_ns > self._dark_ns:
            self.stop.light_again()
            self._use((info.applied,), f"frame {info.seq}")

    def take_applied(self, message: AppliedMessage) -> None:
        """Take what the guard made of a decision."""
        if self.stop.state is StopState.DARK and not message.refused:
            return  # its frame will say so, with a time
        if message.refused:
            self.reading = LightReading(LightWord.REFUSED, message.refused)
        elif message.applied:
            self._use(message.applied, f"shot {message.shot}")

    def take_stop(self, reply: Reply, now_ns: int) -> None:
        """Take the answer to STOP LIGHT."""
        self.stop.answer(is_dark=reply.is_ok and reply.is_dark, text=reply.text)
        if self.stop.state is StopState.DARK:
            self._dark_ns = now_ns
            self.reading = LightReading(LightWord.DARK, "read back after STOP LIGHT")
        else:
            self.reading = LightReading(LightWord.DOUBT, reply.text or "the read-back failed")

    def take_rest(self) -> None:
        """Take it that a paused run has read every light back as dark."""
        if not self.is_in_doubt:
            self.reading = LightReading(LightWord.DARK, "read back as the run paused")

    def take_end(self, end: End) -> None:
        """Take the last word of the run."""
        if end.is_dark:
            self.reading = LightReading(LightWord.DARK, "read back at the end of the run")
            if self.is_recorded:
                self.reading = LightReading(LightWord.RECORDED, "off when the recording ended")
            if self.stop.state is not StopState.READY:
                self.stop.answer(is_dark=True)
        else:
            self.reading = LightReading(LightWord.DOUBT, "switch off at the source")
            self.stop.answer(is_dark=False)

    def _use(self, applied: tuple[Applied, ...], source: str) -> None:
        self.applied = applied
        lines = ", ".join(_line(one) for one in applied[:2]) + (" …" if len(applied) > 2 else "")
        word = LightWord.RECORDED if self.is_recorded else LightWord.USED
        self.reading = LightReading(word, f"{lines} · read back, {source}")


def _line(applied: Applied) -> str:
    """Name a line and its power as read back; say so where the device reports none."""
    name = f"{applied.wavelength_nm:.0f} nm" if applied.wavelength_nm > 0 else applied.light
    if math.isnan(applied.power_read_fraction):
        return f"{name} {steady(100 * applied.power_fraction)} % commanded"
    return f"{name} {steady(100 * applied.power_read_fraction)} %"
