"""A policy that changes exposure and power at every shot, so that every device is set each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from realtime.policy import Decision

if TYPE_CHECKING:
    from acquire.settings import Settings
    from realtime.policy import Observation


class Policy:
    """Alternates between two settings of nearly the same dose."""

    name = "restless/1"

    def __init__(self, first: Settings) -> None:
        self._first = first

    def decide(self, seen: Observation) -> Decision:
        """Return the first settings, a little longer and weaker at every other shot."""
        factor = 1.2 if seen.shot % 2 else 1.0
        channels = tuple(
            msgspec.structs.replace(
                c, exposure_ms=c.exposure_ms * factor, power_fraction=c.power_fraction / factor
            )
            for c in self._first.channels
        )
        settings = msgspec.structs.replace(self._first, channels=channels)
        return Decision(seen.shot, settings, seen.seqs, {}, "restless", self.name, True)
