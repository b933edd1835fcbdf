"""Coming to where an exposure is taken: properties, filters, focus, stage; all in the dark."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from acquire.errors import FocusLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.frame import Shot
    from acquire.loop.pause import Pause
    from acquire.plan.plan import PlannedExposure
    from acquire.stand.autofocus import Autofocus
    from acquire.stand.focus_lock import FocusLock
    from acquire.stand.focus_rules import FocusRules
    from acquire.stand.scope import Scope

logger = logging.getLogger(__name__)

LOST = frozenset({"lost", "not found"})


class Arrival:
    """Brings the microscope to an exposure, and says where it really is and how its focus stands.

    The focus that was found at a place of the plan is kept for it: from then on all its planes are
    relative to that height. One number for each place is all that is kept.

    Parameters
    ----------
    autofocus
        Finds the focus where the plan asks for it; None where it does not.
    lock
        Holds the focus, if any does.
    pause, should_stop, tell
        Where a person lets the run wait; whether it is to end; takes what everybody should know.
    """

    def __init__(
        self,
        scope: Scope,
        rules: FocusRules,
        pause: Pause,
        should_stop: Callable[[], bool],
        autofocus: Autofocus | None = None,
        lock: FocusLock | None = None,
        tell: Callable[[str], object] = lambda what: None,
    ) -> None:
        self._scope, self._rules, self._pause = scope, rules, pause
        self._should_stop, self._tell = should_stop, tell
        self._autofocus, self._lock = autofocus, lock
        self._shift_um: dict[int, float] = {}
        self._shot = -1
        self._state = ""

    def __call__(self, one: PlannedExposure, shot: Shot) -> PlannedExposure:
        """Go there, and return the exposure with its true place and the state of its focus.

        Raises
        ------
        StageError, SettingRefused
            If something does not go where it is sent.
        FocusLost
            If the focus is lost and the run is to end for it.
        """
        self._scope.set_properties(one.properties)
        if shot.number != self._shot:
            self._shot, self._state = shot.number, ""
        state = self._focus(one, shot)
        while state in LOST and self._rules.on_lost == "pause" and not self._should_stop():
            self._ask(one, state)
            if not self._should_stop():
                state = self._focus(one, shot)
        if state in LOST:
            self._complain(one, state)
        self._state = state
        self._scope.select(one.channel)  # a search may have used another one
        x_um, y_um, z_um = one.position_um
        if self._lock is None or not self._lock.is_held:  # else it stands already
            self._scope.move_to(x_um, y_um, z_um + self._shift_um.get(one.place, 0.0))
        return replace(one, position_um=self._scope.known_um(), focus=state)

    def _focus(self, one: PlannedExposure, shot: Shot) -> str:
        """Find the focus and hold it, where that is due, and return its state."""
        state = self._state
        if one.autofocus is not None:
            state = "found" if self._find(one, shot.position) else "not found"
        if self._lock is not None:
            state = self._hold(one, is_new=not self._state)
        return state

    def _find(self, one: PlannedExposure, position: int) -> bool:
        assert one.autofocus is not None
        assert self._autofocus is not None, "who plans an autofocus has one"
        if self._lock is not None:
            self._lock.let_go()
        start_um = one.home_um + self._shift_um.get(one.place, 0.0)
        self._scope.move_to(*one.position_um[:2], start_um)
        found_um = self._autofocus.find(one.autofocus, start_um, position)
        if found_um is None:
            return False
        shift_um = found_um - one.home_um
        if not abs(shift_um) <= self._rules.max_shift_um:
            logger.warning(
                "field %d: focus found %.1f um from the plan's; max_shift_um is %g",
                position, shift_um, self._rules.max_shift_um,
            )  # fmt: skip
            self._scope.move_to(*one.position_um[:2], start_um)
            return False
        self._shift_um[one.place] = shift_um
        return True

    def _hold(self, one: PlannedExposure, *, is_new: bool) -> str:
        """Let the lock hold the focus at home, and let it go for every other height."""
        assert self._lock is not None
        lock, scope = self._lock, self._scope
        x_um, y_um, z_um = one.position_um
        is_home = z_um == one.home_um
        if is_new or (is_home and not lock.is_held):
            if lock.is_held:
                scope.move_to(x_um, y_um, scope.note_focus())  # how high is the lock's business
            else:
                scope.move_to(x_um, y_um, one.home_um + self._shift_um.get(one.place, 0.0))
            is_locked = lock.hold()
            if is_locked:
                self._shift_um[one.place] = scope.note_focus() - one.home_um
        else:
            is_locked = lock.is_locked() if lock.is_held else self._state != "lost"
        if is_locked and is_home:
            return "locked"
        lock.let_go()  # the drive goes by the plan, and by the focus that was held last
        return "free" if is_locked else "lost"

    def _ask(self, one: PlannedExposure, state: str) -> None:
        what = f"field {one.index.p}: {_WORDS[state]}"
        self._pause.begin(what)
        self._tell(f"{what}; the run waits in the dark: resume it, or stop it")
        self._pause.wait(self._should_stop)

    def _complain(self, one: PlannedExposure, state: str) -> None:
        what = f"field {one.index.p}: {_WORDS[state]}"
        if self._rules.on_lost == "stop":
            raise FocusLost(f"{what}; focus.on_lost ends the run for it")
        if state != self._state:
            self._tell(f"{what}; its frames are marked")


_WORDS = {"lost": "the focus lock has let go", "not found": "no focus was found"}
