"""A policy that misbehaves on demand: it does what the file says that somebody else writes.

Left alone it changes the power a little at every shot, so that every device is set each time.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from realtime.policy import Decision

if TYPE_CHECKING:
    from acquire.settings import Settings
    from realtime.policy import Observation


class Policy:
    """Alternates between two powers until it is told something worse.

    Parameters
    ----------
    orders
        The file: "raise", "nonsense", "nan", or "late" and the seconds; empty or none at all.
    """

    name = "fault/1"

    def __init__(self, first: Settings, orders: str) -> None:
        self._first = first
        self._orders = Path(orders)

    def decide(self, seen: Observation) -> Decision:
        """Return the first settings, a tenth weaker at every other shot."""
        verb, _, object_ = self._orders.read_text("utf-8").partition(" ")
        exposure = 1.0
        match verb:
            case "raise":
                raise RuntimeError("the policy was told to fail")
            case "nonsense":
                nonsense: Any = "more light!"
                return nonsense  # type: ignore[no-any-return]
            case "nan":
                exposure = math.nan
            case "late":
                time.sleep(float(object_))
        power = 0.9 if seen.shot % 2 else 1.0
        channels = tuple(
            msgspec.structs.replace(
                c, exposure_ms=c.exposure_ms * exposure, power_fraction=c.power_fraction * power
            )
            for c in self._first.channels
        )
        settings = msgspec.structs.replace(self._first, channels=channels)
        return Decision(seen.shot, settings, seen.seqs, {}, "restless", self.name, True)
