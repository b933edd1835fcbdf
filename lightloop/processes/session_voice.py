"""What a session tells those who listen: warnings, pauses, and what each shot was given."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from realtime.wire import AppliedMessage, Notice

if TYPE_CHECKING:
    from acquire.light.guard import LightGuard
    from acquire.loop.loop import ShotReport
    from lightloop.summary import Tally
    from realtime.hub import Hub

logger = logging.getLogger(__name__)


class Voice:
    """Says what happens to everybody at the hub."""

    def __init__(self, hub: Hub, guard: LightGuard, tally: Tally) -> None:
        self._hub, self._guard, self._tally = hub, guard, tally

    def say(self, level: str, text: str) -> None:
        """Tell listeners something; `level` is one of those of `Notice`."""
        self._hub.send(Notice(level, text, time.perf_counter_ns()))

    def warn(self, what: str) -> None:
        """Warn listeners, and whoever reads the log."""
        logger.warning("%s", what)
        self.say("warn", what)

    def tell_of_pause(self, reason: str) -> None:
        """Say that a pause begins; without a reason, that it ends."""
        self.say("pause" if reason else "go on", reason or "the run goes on")

    def tell_of_rest(self, reason: str) -> None:
        """Take every light's power too while the run waits, and say whether it is dark."""
        if self._guard.all_dark():
            self.say("paused", f"{reason}; {self._guard.dark_text()}")
        else:
            self.say("fault", f"{reason}; the light is NOT known to be off")

    def report(self, report: ShotReport) -> None:
        """Say what a shot was really given, and how long that took."""
        if report.latency_ns:
            self._tally.add_latency("host to devices", report.latency_ns)
        self._hub.send(
            AppliedMessage(
                report.shot.number,
                report.decision_id,
                report.first_seq,
                report.applied,
                report.latency_ns,
                report.refused,
                report.stale,
            )
        )
