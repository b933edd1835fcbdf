"""A plan that is worked out one shot ahead, where nobody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.errors import ScopeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquire.plan.plan import PlannedShot


class Ahead:
    """Hands out the shots of a plan, and has the next one ready."""

    def __init__(self, plan: Iterable[PlannedShot]) -> None:
        self._plan = iter(plan)
        self._next: PlannedShot | None = None
        self._error: ScopeError | None = None
        self._has_next = False

    def look(self) -> PlannedShot | None:
        """Work the next shot out (a millisecond, in useq), and return it; None after the last.

        That is for when nobody waits and no light shines: while the camera exposes and blanks its
        light, or after the shot, while the worker thinks.
        """
        if not self._has_next:
            self._has_next = True
            try:
                self._next = next(self._plan, None)
            except ScopeError as error:  # raised when its turn comes: this exposure is still good
                self._error = error
        return self._next

    def take(self) -> PlannedShot | None:
        """Return the next shot, or None after the last one.

        Raises
        ------
        PlanRefused
            If the plan goes wrong here.
        """
        planned = self.look()
        self._next, self._has_next = None, False
        if self._error is not None:
            raise self._error
        return planned
