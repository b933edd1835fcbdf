"""A policy's decisions, with the planes of the next stack in them; its light is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from realtime.policy.decision import Decision, Policy
    from realtime.policy.observation import Observation, StackSeen
    from realtime.skipped_planes import SkippedPlanes


class PlanesPolicy:
    """Skips planes as long as drawn ones are good.

    More planes are more light, and the guard gives none without evidence. So the planes stay as
    they are while there is none: who cannot go back to whole stacks does not leave them either.

    Parameters
    ----------
    inner
        Decides on the light. If it names planes of its own, these are taken.
    plan
        Says which planes are next.
    """

    def __init__(self, inner: Policy, plan: SkippedPlanes) -> None:
        self._inner, self._plan = inner, plan
        self.name = f"{inner.name}+planes/1"

    def decide(self, seen: Observation) -> Decision:
        """Return the policy's proposal, for the planes that are next."""
        decision = msgspec.structs.replace(self._inner.decide(seen), policy=self.name)
        stack = seen.stack
        if stack is None or decision.settings.z_um:
            return decision
        self._plan.saw(seen.position, stack)
        planes, why = self._plan.next(seen.position), self._plan.why(seen.position)
        if not decision.has_evidence and planes != stack.taken:
            planes, why = stack.taken, f"no evidence for other planes ({why})"
        z_um = self._plan.heights_um(planes)
        count = f"{len(planes)} of {len(self._plan.planes_um)} planes"
        return msgspec.structs.replace(
            decision,
            settings=msgspec.structs.replace(decision.settings, z_um=z_um),
            inputs=decision.inputs | _inputs(stack),
            reason=f"{decision.reason}; {count}: {why}",
        )


def _inputs(stack: StackSeen) -> dict[str, float]:
    """Return the numbers that the planes were decided from."""
    if not stack.compared:
        return {}
    return {"drawn_planes_miss": stack.share, "drawn_planes_miss_at_least": stack.low}
