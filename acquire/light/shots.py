"""Shots: what light is decided for together, one at a time, bounded by the one before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from acquire.errors import LightRefused
from acquire.light.bounds import GuardRules, objection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from acquire.light.lease import Lease
    from acquire.light.lighting import Lighting
    from acquire.light.slew import ShotLight, Slew
    from acquire.settings import Request


class Shots:
    """The half of `LightGuard` that admits a shot before its first exposure."""

    _lighting: Lighting
    _slew: Slew
    _rules: GuardRules
    _config: str
    _now_ns: Callable[[], int]
    _lease: Lease | None
    _shot: ShotLight | None

    def objection(self, request: Request) -> str:
        """Say what clock and focus drive may not be told of a request; empty if all is fine."""
        return objection(request.settings, self._rules, self._config)

    @contextmanager
    def shot(
        self,
        request: Request,
        frames: Mapping[str, int],
        position: int,
        *,
        is_measure: bool = True,
    ) -> Generator[ShotLight]:
        """Take all exposures of one shot: `with guard.shot(...):`, and in it `expose` each.

        What the shot may have of each light is worked out once, before its first exposure, so that
        many planes give no more than one would: a shot steps up, holds or lowers as a whole.

        Parameters
        ----------
        frames
            Frames of the shot in each of its channels.
        is_measure
            False for a search of the focus, or the second look of an audit: it may come in the
            midst of a shot, is bounded and booked like any other, but the field's next shot is not
            measured by it.

        Raises
        ------
        LightRefused
            Before any light: the request is unsafe, late, or expired (`LightExpired`).
        """
        self._lighting.check_stopped()
        outer = self._shot
        if self._lease is not None or (outer is not None and (is_measure or not outer.is_measure)):
            raise LightRefused("one shot at a time: the last one has not ended")
        self._shot = shot = self._slew.admit(request, frames, position, self._now_ns())
        shot.is_measure = is_measure
        try:
            yield shot
        finally:
            self._shot = outer
            if is_measure:
                self._slew.remember(shot)
