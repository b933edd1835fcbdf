"""Dark, and known to be: every declared light is switched off, and asked whether it is."""

from __future__ import annotations

import logging
import time
from itertools import permutations
from typing import TYPE_CHECKING

from acquire.errors import LightNotDark, SettingRefused
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from acquire.light.ports import Lights
    from acquire.light.source import LightSource

logger = logging.getLogger(__name__)

_RETRY_S = 2e-3  # a shutter may need a moment, and a longer one at each further try; proposed


class Darkness:
    """Switches off what `lights` declares; every answer is a tuple of what is *not* dark.

    Lamps that are always on have no switch; they are left out here and booked for all of the time.
    """

    def __init__(self, lights: Lights) -> None:
        self._lights = lights
        self.switched = tuple(source for source in lights.sources if source.is_switchable)
        one_each = {source.switch: source for source in self.switched}.values()
        self._others = {
            source.name: tuple(other for other in one_each if other.switch != source.switch)
            for source in lights.sources
        }

    def begin(self) -> None:
        """Switch off whatever a startup preset, or the last owner, left on.

        Raises
        ------
        LightNotDark
            If a light is not read back as dark.
        """
        was_lit = self.stuck()
        if self.all() and (lit := self.again(1)):
            raise LightNotDark(
                f"{names(lit)} is on and cannot be switched off; check the startup preset, the "
                "device and the [[light]] that describes it"
            )
        if was_lit:
            logger.warning("%s was on before the run; it is off now", names(was_lit))

    def close(
        self, source: LightSource, note_closed: Callable[[], object] = lambda: None
    ) -> tuple[LightSource, ...]:
        """Close the switch of one light, and ask every other switch; the fast way after a frame.

        `note_closed` is called when the command was carried out, before the delay of the device.
        """
        lit = []
        if source.is_switchable:
            is_open = self._lights.set_open(source, False)
            note_closed()
            if source.close_delay_ms:
                time.sleep(source.close_delay_ms * 1e-3)
                is_open = is_open and self._lights.is_lit(source)
            lit = [source] if is_open else []
        return (*lit, *(o for o in self._others[source.name] if self._lights.is_lit(o)))

    def all(self) -> tuple[LightSource, ...]:
        """Take shutter and power from every light, whichever fails; what failed is said after."""
        troubles: list[tuple[str, Exception]] = []
        lit = tuple(source for source in self.switched if not self._obeys(source, troubles))
        _tell(troubles)
        return lit

    def again(self, attempt: int) -> tuple[LightSource, ...]:
        """Wait a moment, and take shutter and power from every light once more."""
        time.sleep(_RETRY_S * attempt)
        lit = self.all()
        say(logger, logging.WARNING, "a light was still on after %d tries to close it", attempt)
        return lit

    def strays(self, lit: Iterable[LightSource], source: LightSource) -> tuple[LightSource, ...]:
        """Return the lights other than `source` that say once more that they are lit."""
        others = self._others[source.name]
        return tuple(light for light in lit if light in others and self._lights.is_lit(light))

    def stuck(self) -> tuple[LightSource, ...]:
        """Return the lights whose switch says that it is open, or says nothing."""
        troubles: list[tuple[str, Exception]] = []
        lit = tuple(source for source in self.switched if self._says_lit(source, troubles))
        _tell(troubles)
        return lit

    def text(self) -> str:
        """Say in words what dark means here, once it is."""
        lamps = [repr(source.name) for source in self._lights.sources if not source.is_switchable]
        if not lamps:
            return "every light is read back dark"
        have = "which has no switch" if len(lamps) == 1 else "which have no switch"
        return f"dark, but for {' and '.join(lamps)}, {have}"

    def _obeys(self, source: LightSource, troubles: list[tuple[str, Exception]]) -> bool:
        try:
            return self._lights.dark(source)
        except Exception as error:  # any driver may raise anything; the other lights are still due
            troubles.append((source.name, error))
            return False

    def _says_lit(self, source: LightSource, troubles: list[tuple[str, Exception]]) -> bool:
        try:
            return self._lights.is_lit(source)
        except Exception as error:  # who does not answer counts as lit
            troubles.append((source.name, error))
            return True


def _tell(troubles: Iterable[tuple[str, Exception]]) -> None:
    for name, error in troubles:
        say(logger, logging.WARNING, "light %r: %s", name, error)


def names(sources: Iterable[LightSource]) -> str:
    """Name lights for a message."""
    return "light " + " and ".join(repr(source.name) for source in sources)


def check_shared_shutters(sources: Iterable[LightSource]) -> None:
    """Refuse two lights behind one shutter of which one cannot be kept dark while it is open.

    Raises
    ------
    SettingRefused
        Names the two lights.
    """
    for one, other in permutations((s for s in sources if s.shutter_device), 2):
        if one.shutter_device == other.shutter_device and not other.power_device:
            raise SettingRefused(
                f"light {one.name!r} cannot be lit alone: light {other.name!r} is behind the same "
                f"shutter {one.shutter_device!r} and has no power_device to keep it dark by"
            )
