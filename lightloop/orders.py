"""What a person may ask of a run while it goes on; whoever carries the words, this obeys them.

The words are those of bluesky's RunEngine (pause, resume, stop, abort), and each keeps its meaning
there; `stop_light` is its `halt`: at once. Nothing is taken again after a pause: light is spent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.errors import LightRefused, ScopeError
from realtime.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.light.guard import LightGuard
    from acquire.loop.pause import Pause
    from lightloop.feedback import Feedback

logger = logging.getLogger(__name__)


class Orders:
    """Obeys commands; called in a thread that never exposes.

    Parameters
    ----------
    stop
        Ends the run before its next exposure; takes the reason.
    """

    def __init__(
        self, guard: LightGuard, pause: Pause, feedback: Feedback, stop: Callable[[str], object]
    ) -> None:
        self._guard, self._pause, self._feedback, self._stop = guard, pause, feedback, stop
        self.is_aborted = self._may_rearm = False
        self._orders: dict[str, Callable[[], str]] = {
            "stop": self._end,
            "abort": self._abort,
            "pause": self._begin_pause,
            "resume": self._go_on,
            "hold": self._hold,
            "release": self._release,
        }

    def obey(self, name: str) -> Reply:
        """Do what a person asks, and say what came of it."""
        if name == "stop_light":
            return self._stop_light()
        if name == "state":  # of somebody who came late, and heard no pause begin
            return Reply(name, is_ok=True, text=self._pause.reason)
        if name not in self._orders:
            return Reply(name, is_ok=False, text=f"unknown command {name!r}")
        try:
            return Reply(name, is_ok=True, text=self._orders[name]())
        except ScopeError as error:
            return Reply(name, is_ok=False, text=str(error))

    def ask(self, what: str) -> tuple[str, bool]:
        """Go dark at once and wait for a person, because of `what`.

        Returns
        -------
        tuple
            What to tell them, and whether it is dark.
        """
        self._may_rearm = self._may_rearm or not self._guard.is_stopped
        try:
            self._pause.begin(what)  # first: a run that finds its light stopped, unpaused, ends
        finally:
            is_dark = self._guard.go_dark()
        state = "the light is off" if is_dark else "the light is NOT known to be off"
        text = f"{what}; {state}, and the run waits: resume it, or stop it"
        logger.critical("%s", text)
        return text, is_dark

    def _stop_light(self) -> Reply:
        self._may_rearm = False
        is_dark = self._guard.go_dark()
        self._stop("STOP LIGHT was pressed")
        text = self._guard.dark_text() if is_dark else "NOT confirmed dark: switch it off by hand"
        return Reply("stop_light", is_ok=is_dark, text=text, is_dark=is_dark)

    def _end(self) -> str:
        self._stop("stopped from the window")
        return "the run ends after this exposure"

    def _abort(self) -> str:
        self.is_aborted = True
        self._stop("aborted from the window")
        return "the run ends after this exposure, and counts as failed"

    def _begin_pause(self) -> str:
        self._pause.begin("paused by a person")
        return "dark after this shot"

    def _go_on(self) -> str:
        """Give light again only where `ask` took it, not what a person or the keeper stopped."""
        if self._guard.is_stopped and self._may_rearm:
            self._guard.rearm()
        self._may_rearm = False
        self._pause.end()
        if self._guard.is_stopped:
            raise LightRefused("the light was stopped, not paused: the run ends in the dark")
        return "the run goes on with its next shot"

    def _hold(self) -> str:
        self._feedback.is_held = True
        return "the light stays as it is"

    def _release(self) -> str:
        self._feedback.is_held = False
        return "the policy decides again"
