"""Stage and focus: where they are sent, with the habits of real drives, and never in doubt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from acquire.errors import ScopeError, StageError
from acquire.stand.drive import Driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.core import Core
    from acquire.stand.habits import StageHabits

Answer = TypeVar("Answer")


class Stage:
    """Moves stage and focus by their habits; a move to where they stand costs nothing.

    Parameters
    ----------
    habits
        How long things swing after a move, and their play.
    nap
        Waits for so many seconds.
    """

    def __init__(self, core: Core, habits: StageHabits, nap: Callable[[float], object]) -> None:
        self._core, self._habits, self._nap = core, habits, nap
        self._driver = Driver(core, habits.timeout_s)
        self._xy = core.getXYStageDevice()
        self._focus = core.getFocusDevice()
        self._at_um: tuple[float, float, float] | None = None

    def position_um(self) -> tuple[float, float, float]:
        """Ask stage and focus where they are: x, y, z, um; 0 for a drive that is not there.

        Raises
        ------
        StageError
            If one does not answer.
        """
        x, y = self._ask("asking the stage", self._core.getXYPosition) if self._xy else (0.0, 0.0)
        z = self._ask("asking the focus", self._core.getPosition) if self._focus else 0.0
        return float(x), float(y), float(z)

    def standing_um(self) -> tuple[float, float]:
        """Return where the stage stands, x and y um, without asking it if we sent it there."""
        if not self._xy:
            return 0.0, 0.0  # whatever a plan says: all its light falls on one place
        at_um = self._at_um or self.position_um()
        return at_um[:2]

    def known_um(self) -> tuple[float, float, float]:
        """Return where stage and focus stand, um, without asking them if we sent them there."""
        return self._at_um or self.position_um()

    def move_to(self, x_um: float, y_um: float, z_um: float) -> None:
        """Move stage and focus, um, and wait until they are there; where we are costs nothing."""
        before = self._at_um
        if before is None or before[:2] != (x_um, y_um):
            self.move_xy(x_um, y_um)
        if before is None or before[2] != z_um:
            self.move_z(z_um)
        self._at_um = (x_um, y_um, z_um)

    def move_xy(self, x_um: float, y_um: float) -> None:
        """Move the stage, um, and wait until it is there, at rest.

        Raises
        ------
        StageTimeout
            If it does not get there in time.
        StageError
            If it refuses, or says that it is elsewhere.
        """
        before, self._at_um = self._at_um, None
        if not self._xy:
            return
        play_um = self._habits.backlash_um
        start = before[:2] if before is not None else (math.nan, math.nan)
        detour = tuple(
            to - play_um if _is_against(play_um, at, to) else to
            for at, to in zip(start, (x_um, y_um), strict=True)
        )
        if detour != (x_um, y_um):
            self._drive_xy(*detour)
        self._drive_xy(x_um, y_um)
        self.settle(self._habits.settle_ms)
        if self._habits.tolerance_um:
            x, y = self._ask("asking the stage", self._core.getXYPosition)
            found = float(x), float(y)
            self._check_there((x_um, y_um), found, self._habits.tolerance_um, "stage")

    def move_z(self, z_um: float) -> None:
        """Move the focus, um, and wait until it is there, at rest; errors as for `move_xy`."""
        before, self._at_um = self._at_um, None
        if not self._focus:
            return
        play_um = self._habits.z_backlash_um
        if _is_against(play_um, before[2] if before is not None else math.nan, z_um):
            self._drive_z(z_um - play_um)
        self._drive_z(z_um)
        self.settle(self._habits.z_settle_ms)
        if self._habits.z_tolerance_um:
            height_um = float(self._ask("asking the focus", self._core.getPosition))
            self._check_there((z_um,), (height_um,), self._habits.z_tolerance_um, "focus")

    def note_focus(self) -> float:
        """Ask the focus where it is, um, after something else has moved it, and believe it."""
        z_um = float(self._ask("asking the focus", self._core.getPosition)) if self._focus else 0.0
        if self._at_um is not None:
            self._at_um = (*self._at_um[:2], z_um)
        return z_um

    def _drive_xy(self, x_um: float, y_um: float) -> None:
        self._driver.carry_out(
            f"moving the stage to {x_um:.1f}, {y_um:.1f} um",
            [self._xy],
            lambda: self._core.setXYPosition(x_um, y_um),
        )

    def _drive_z(self, z_um: float) -> None:
        self._driver.carry_out(
            f"moving the focus to {z_um:.2f} um",
            [self._focus],
            lambda: self._core.setPosition(z_um),
        )

    def settle(self, wait_ms: float) -> None:
        """Wait until something no longer swings, ms."""
        if wait_ms:
            self._nap(wait_ms * 1e-3)

    def _ask(self, what: str, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except ScopeError:
            raise
        except Exception as error:  # drivers raise anything
            raise StageError(f"{what} failed: {error}") from error

    @staticmethod
    def _check_there(
        asked: tuple[float, ...], found: tuple[float, ...], tolerance_um: float, who: str
    ) -> None:
        if not math.dist(asked, found) <= tolerance_um:  # NaN is nowhere
            raise StageError(
                f"the {who} was sent to {_um(asked)} um and says {_um(found)} um, more than "
                f"{tolerance_um:g} um off; look for what blocks it"
            )


def _is_against(play_um: float, at_um: float, to_um: float) -> bool:
    """Whether a move goes against the side that a drive with play comes from (NaN: who knows)."""
    return bool(play_um) and at_um != to_um and not (to_um - at_um) * play_um > 0


def _um(place: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.2f}" for value in place)
