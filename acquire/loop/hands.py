"""What every way of taking a shot works with, and what it owes when a shot breaks off."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from acquire.errors import LightRefused, ScopeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.clock import Clock
    from acquire.frame import Shot
    from acquire.light.guard import LightGuard
    from acquire.loop.ahead import Ahead
    from acquire.loop.approach import Arrive
    from acquire.loop.delivery import Delivery
    from acquire.loop.reports import ShotReport


class Hands(NamedTuple):
    """Where the next shot comes from, how to get there, who gives light, who is told."""

    plan: Ahead
    arrive: Arrive
    guard: LightGuard
    clock: Clock
    delivery: Delivery
    report: Callable[[ShotReport], None]

    def break_off(self, shot: Shot, first_seq: int, error: ScopeError) -> str:
        """Declare the rest of a shot lost if it was begun, and return why in words.

        Listeners count on frames that were promised; of a shot that was refused none were.
        """
        is_begun = self.delivery.next_seq > first_seq or not isinstance(error, LightRefused)
        if is_begun:
            self.delivery.lose(first_seq + shot.n_frames - 1, str(error))
        return str(error)
