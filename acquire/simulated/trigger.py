"""The camera's trigger line: it gates the light, and opens the shutter where it is wired so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.errors import ScopeError
from acquire.simulated.light.light_box import LightBoxGone
from acquire.simulated.light.light_words import Exposed

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.simulated.light.light_calls import AnyLightBox

logger = logging.getLogger(__name__)


def light_up(
    light: AnyLightBox,
    lit_s: float,
    wait: Callable[[float | None], float],
    *,
    hangs: bool,
    is_paced: bool,
    fires_shutter: bool,
) -> tuple[float, Exposed]:
    """Hold the gate on for an exposure; return for how long it was on, and the light given.

    Parameters
    ----------
    lit_s
        How long the camera means to hold it, s.
    wait
        Waits for so long (None: for ever) or until stopped; returns the seconds waited.
    hangs
        The camera holds it until it is stopped.
    is_paced
        The exposure takes host time.
    fires_shutter
        The line opens the shutter, too, and closes it.
    """
    opens = fires_shutter and _fire(light, is_open=True)
    try:
        if not (is_paced or hangs):
            return lit_s, light.flash(lit_s)
        light.gate_on(lit_s, is_paced)
        try:
            lit_s = wait(None) if hangs else min(wait(lit_s), lit_s)
        finally:
            given = light.gate_off(lit_s)
        return lit_s, given
    except LightBoxGone as error:  # a camera does not know of it: its frame is dark
        logger.warning("%s", error)
        return lit_s, Exposed({}, {})
    finally:
        if opens:
            _fire(light, is_open=False)


def _fire(light: AnyLightBox, *, is_open: bool) -> bool:
    """Open or close the shutter by the trigger line; return whether that changed anything."""
    try:
        if light.state().is_open == is_open:
            return False
        light.set_open(is_open)
    except ScopeError as error:  # a trigger line hears no answer
        logger.warning("%s", error)
    return True
