"""A light box without a process, that does all that the one with a process does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

from acquire.errors import DeviceMissing
from acquire.simulated.light.light_box import LightBoxGone
from acquire.simulated.light.light_calls import AnyLightBox
from acquire.simulated.light.light_source import LightBox
from acquire.simulated.light.light_wire import BoxDied, BoxHangs, Reply, Request, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acquire.simulated.light.light_words import Line


class LocalLightBox(AnyLightBox):
    """A light box in the same process, for tests and for simulations.

    A box that hangs answers with `DeviceMissing` at once: nobody waits for what will not come.

    Attributes
    ----------
    box
        The box itself.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.box = LightBox(lines, clock)
        self._sleep = sleep
        self._lock = threading.Lock()
        self._is_dead = False

    def ask(self, request: Request) -> Reply:
        """Send a request and return the reply, `Refused` included."""
        return cast("Reply", self._do(request))

    def tell(self, request: Request) -> None:
        """Send a request that nobody answers."""
        self._do(request)

    def _do(self, request: Request) -> Reply | None:
        with self._lock:
            if self._is_dead:
                raise LightBoxGone("the light box has gone (it died); restart it")
            try:
                return answer(self.box, request, self._sleep)
            except BoxHangs as error:
                raise DeviceMissing("the light box does not answer; restart it") from error
            except BoxDied:
                self._is_dead = True
                return None
