"""A policy's decisions, with the planes of the next stack in them; its light is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from realtime.memory.known import Lasting

if TYPE_CHECKING:
    from realtime.planes.skipped import SkippedPlanes
    from realtime.policy.decision import Decision, Policy
    from realtime.policy.observation import Observation, StackSeen


@runtime_checkable
class Wary(Protocol):
    """A policy that knows when something speaks against more light, for all the evidence."""

    def may_rise(self, position: int) -> bool:
        """Whether nothing does in a field, by all of its shots that were decided on."""
        ...


class PlanesPolicy:
    """Skips planes as long as drawn ones are good.

    More planes are more light, and the guard gives none without evidence. So the planes stay as
    they are while there is none: who cannot go back to whole stacks does not leave them either.
    Nor are they more where the inner policy would give no more light: cells that die are drawn
    badly, too.

    Parameters
    ----------
    inner
        Decides on the light. If it names planes of its own, these are taken.
    plan
        Says which planes are next.
    """

    def __init__(self, inner: Policy, plan: SkippedPlanes) -> None:
        self._inner, self._plan = inner, plan
        self.name = f"{inner.name}+planes/2"

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
        elif len(planes) > len(stack.taken) and not self._may_rise(seen.position):
            planes, why = self._fewest(stack.taken), f"no more light, nor planes, yet ({why})"
        z_um = self._plan.heights_um(planes)
        count = f"{len(planes)} of {len(self._plan.planes_um)} planes"
        return msgspec.structs.replace(
            decision,
            settings=msgspec.structs.replace(decision.settings, z_um=z_um),
            inputs=decision.inputs | _inputs(stack),
            reason=f"{decision.reason}; {count}: {why}",
        )

    def state(self, position: int) -> bytes:
        """Return what the policy has learnt of a field; what was learnt of planes is not kept."""
        return self._inner.state(position) if isinstance(self._inner, Lasting) else b""

    def resume(self, position: int, state: bytes) -> None:
        """Go on with a field where another policy left it."""
        if isinstance(self._inner, Lasting):
            self._inner.resume(position, state)

    def _fewest(self, taken: tuple[int, ...]) -> tuple[int, ...]:
        """Return the planes of a stack that was not whole, without those that were checked."""
        kept = self._plan.kept
        return kept if set(kept) <= set(taken) else taken

    def _may_rise(self, position: int) -> bool:
        return not isinstance(self._inner, Wary) or self._inner.may_rise(position)


def _inputs(stack: StackSeen) -> dict[str, float]:
    """Return the numbers that the planes were decided from."""
    if not stack.compared:
        return {}
    return {"drawn_planes_miss": stack.share, "drawn_planes_miss_at_least": stack.low}
