"""How much light another policy asked for, beside what was given: open loop, and so labelled.

The images stay those that were taken under the recorded light, so what the other policy saw is not
what it would have seen. Its first proposals mean most; after that it answers to light that it never
gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquire.frame import FrameInfo
    from realtime.policy.decision import Decision


class Proposals:
    """Collects proposals, and adds up the dose that they come to."""

    def __init__(self) -> None:
        self._light: dict[int, dict[str, float]] = {}

    def take(self, decision: Decision) -> None:
        """Note what a decision asks for."""
        self._light[decision.id] = {
            channel.channel: channel.exposure_ms * channel.power_fraction
            for channel in decision.settings.channels
        }

    def doses(self, infos: Iterable[FrameInfo]) -> dict[str, tuple[float, float]]:
        """Return for each light the dose that was given, and the dose that was proposed.

        Counted are the frames that were taken under a decision for which there is a proposal. The
        dose is taken to be in proportion to exposure and power; what the guard would have cut is
        not cut.
        """
        found: dict[str, tuple[float, float]] = {}
        for info in infos:
            applied = info.applied
            proposed = self._light.get(applied.decision_id, {}).get(applied.channel)
            used = applied.exposure_ms * applied.power_fraction
            if proposed is None or used <= 0:
                continue
            given, asked = found.get(applied.light, (0.0, 0.0))
            dose = applied.dose_j_cm2
            found[applied.light] = (given + dose, asked + dose * proposed / used)
        return found
