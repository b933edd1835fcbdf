"""What the processes of a run say, and what it means that one is no more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from lightloop.processes.link import Answered, Dark, Finished, FromChild, Go, Ready, Trouble
from lightloop.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightloop.supervision.children import Child, Family
    from lightloop.supervision.outcome import Verdict
    from lightloop.task import RunTask
    from realtime.stream.address import Address

logger = logging.getLogger(__name__)


class Heard:
    """Hears every process, and does what the table of the blueprint, section 2, says.

    Parameters
    ----------
    verdict
        Takes what goes wrong.
    stop
        Ends the run in order, and says why.
    is_ending
        Whether it is ending already.

    Attributes
    ----------
    address
        Where the session is, once the scope has said so.
    rings
        Shared memory of all processes that ever were.
    cpu_s
        Processor time of the work itself, by process.
    has_gone
        The run has begun: who dies from now on, and is not needed for the dark, is started again.
    """

    def __init__(
        self,
        task: RunTask,
        family: Family,
        verdict: Verdict,
        stop: Callable[[str], None],
        is_ending: Callable[[], bool],
    ) -> None:
        self._task, self._family, self._verdict = task, family, verdict
        self._stop, self._is_ending = stop, is_ending
        self.address: Address | None = None
        self.rings: list[str] = []
        self.cpu_s: dict[str, float] = {}
        self.has_gone = False

    def drain(self, child: Child) -> None:
        """Hear all that a process has said so far."""
        while (message := child.hear()) is not None:
            self.note(child, message)

    def note(self, child: Child, message: FromChild) -> None:
        """Do what a message asks for."""
        if isinstance(message, Ready):
            child.is_ready = True
            if message.ring:
                self.rings.append(message.ring)
            if message.address is not None:
                self.address = message.address
                self._family.tell_all(Go(self.address), "worker", "recorder", "window")
        elif isinstance(message, Answered):
            child.has_answered = True
        elif isinstance(message, Finished):
            child.has_finished = True
            self.cpu_s[child.name] = message.cpu_s
            if message.summary:
                self._verdict.summary = msgspec.json.decode(message.summary, type=Summary)
            if child.name == "window" and self._task.ends_with_window:
                self._stop("the window was closed")
        elif isinstance(message, Dark):
            child.is_dark = True
        elif isinstance(message, Trouble):
            silent = self._family.children.get(message.name)
            if silent is not None and silent.is_due and not self._is_ending():
                logger.warning("%s: %s; it is stopped", message.name, message.what)
                silent.process.kill()  # and started again when it is buried
        else:
            child.failure = message.reason
            self._verdict.may_be_lit |= message.may_be_lit
            self._blame(child, message.reason)

    def _blame(self, child: Child, reason: str) -> None:
        """End the run in which a process failed, unless it was only the window."""
        if child.name.startswith("keeper"):  # the light may be on: nothing is more important
            before = self._verdict.problem or "the run had ended"
            self._verdict.problem = f"{reason} ({before})"
            self._stop(reason)
        elif child.name != "window":
            self._verdict.blame(reason)
            self._stop(reason)
        else:
            logger.warning("the window: %s", reason)
            if self._task.screenshot:  # that was asked for
                self._verdict.blame(reason)

    def bury(self, child: Child) -> None:
        """Do what the table says about a process that is no more."""
        if child.has_finished or child.failure or child.name not in self._family.children:
            return
        what = f"the {child.name} process died (exit status {child.process.exitcode})"
        if child.name in ("worker", "recorder") and self.has_gone and not self._is_ending():
            if self._family.restart(child.name, self.address):
                logger.warning("%s; it is started again", what)
                return
            what += ", too often to start it again"
        child.failure = what
        if child.name == "window":
            logger.warning("%s; the run goes on without it", what)
        else:
            self._verdict.blame(what)
            self._stop(what)
