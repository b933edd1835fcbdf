"""Autofocus: a device finds the focus without our light, or a few dim images of ours do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

from acquire.core_refusals import require_device
from acquire.errors import DeviceMissing, LightOverBudget, StageError
from acquire.settings import ChannelSettings, Request, Settings
from acquire.stand.drive import Driver
from acquire.stand.focus_search import best_um, heights_um, sharpness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquire.core import Core
    from acquire.light.guard import LightGuard
    from acquire.plan.events import Focusing
    from acquire.stand.focus_rules import FocusRules
    from acquire.stand.scope import Scope

logger = logging.getLogger(__name__)


class Autofocus(Protocol):
    """Finds the focus where the stage stands."""

    def find(self, focusing: Focusing, start_um: float, position: int) -> float | None:
        """Return the height of the focus, um, and leave the drive there; None: not found.

        Parameters
        ----------
        start_um
            Where the drive stands, um: the best guess.
        position
            Field of view, for the account of light.
        """
        ...


class DeviceFocus:
    """An autofocus device of the microscope: it looks by its own means, and our lights are off.

    Parameters
    ----------
    timeout_s
        Longest time for one search, s.

    Raises
    ------
    DeviceMissing
        If there is no such device.
    """

    def __init__(self, core: Core, scope: Scope, rules: FocusRules, timeout_s: float) -> None:
        self._core, self._scope = core, scope
        self._driver = Driver(core, timeout_s)
        self.label = use_autofocus(core, rules.device)

    def find(self, focusing: Focusing, start_um: float, position: int) -> float | None:
        """Set the offset and let the device search, as often as the plan allows."""
        if focusing.offset is not None:
            self._set_offset(focusing.device, focusing.offset)
        for attempt in range(focusing.tries):
            try:
                self._driver.carry_out("autofocus", [self.label], self._core.fullFocus)
                return self._scope.note_focus()
            except StageError as error:
                logger.warning("field %d, attempt %d: %s", position, attempt + 1, error)
        return None

    def _set_offset(self, device: str, offset: float) -> None:
        core = self._core
        if device and device != self.label:
            require_device(core, device, "plan.autofocus_plan")
            self._driver.carry_out(
                f"setting {device!r} to {offset:g}",
                [device],
                lambda: cast("Any", core).setPosition(device, offset),
            )
            return
        self._driver.carry_out(
            f"setting the autofocus offset to {offset:g}",
            [self.label],
            lambda: core.setAutoFocusOffset(offset),
        )


class ImageFocus:
    """A search by a few dim images: through the guard, booked, and within a share of the budget.

    Parameters
    ----------
    light
        Name of the light of the search's channel.
    budget_j_cm2
        What all searches of a field together may take of it.
    look_j_cm2
        What one image is expected to take, so that the first search is bounded, too.
    """

    def __init__(
        self,
        scope: Scope,
        guard: LightGuard,
        rules: FocusRules,
        channel: str,
        budget_j_cm2: float,
        look_j_cm2: float = 0.0,
    ) -> None:
        self._scope, self._guard, self._rules = scope, guard, rules
        self._channel, self._budget_j_cm2, self._look_j_cm2 = channel, budget_j_cm2, look_j_cm2
        settings = Settings((ChannelSettings(channel, rules.exposure_ms, rules.power_fraction),))
        self._request = Request(settings, -1)
        self._taken_j_cm2: dict[int, float] = {}
        self._last_j_cm2 = 0.0

    @property
    def taken_j_cm2(self) -> Mapping[int, float]:
        """What the searches of each field took, J/cm2 or relative."""
        return self._taken_j_cm2

    def find(self, focusing: Focusing, start_um: float, position: int) -> float | None:
        """Take an image at each height, and go to the sharpest."""
        taken = self._taken_j_cm2.get(position, 0.0)
        heights = [start_um + z for z in heights_um(self._rules.range_um, self._rules.step_um)]
        expected_j_cm2 = max(self._last_j_cm2, len(heights) * self._look_j_cm2)
        if taken + expected_j_cm2 > self._budget_j_cm2:
            logger.warning(
                "field %d: no search of the focus: it would take %.3g, and of the share of all "
                "searches (focus.budget_share) %.3g is left",
                position, expected_j_cm2, self._budget_j_cm2 - taken,
            )  # fmt: skip
            return None
        self._scope.select(self._channel)
        x_um, y_um, _ = self._scope.position_um()
        frames = {self._channel: len(heights)}
        scores: list[float] = []
        try:
            with self._guard.shot(self._request, frames, position, is_measure=False):
                for height_um in heights:
                    self._check_share(position)
                    self._scope.move_to(x_um, y_um, height_um)
                    scores.append(self._look(position))
        except LightOverBudget as error:
            logger.warning("field %d: no search of the focus: %s", position, error)
            self._scope.move_to(x_um, y_um, start_um)
            return None
        finally:
            self._last_j_cm2 = self._taken_j_cm2.get(position, 0.0) - taken
        found_um = best_um(heights, scores, self._rules.contrast)
        self._scope.move_to(x_um, y_um, start_um if found_um is None else found_um)
        return found_um

    def _check_share(self, position: int) -> None:
        """Refuse an image beyond the share: the dearest one may have taken more than expected."""
        taken = self._taken_j_cm2.get(position, 0.0)
        if taken + self._look_j_cm2 > self._budget_j_cm2:
            raise LightOverBudget(
                f"its images took {taken:.3g}, and all searches of a field may take "
                f"{self._budget_j_cm2:.3g} (focus.budget_share)"
            )

    def _look(self, position: int) -> float:
        lease = None
        try:
            with self._guard.expose(self._request, self._channel, 1, position) as lease:
                lease.start()
                image = lease.pop()
        finally:
            if lease is not None:
                taken, look_j_cm2 = self._taken_j_cm2.get(position, 0.0), lease.applied.dose_j_cm2
                self._taken_j_cm2[position] = taken + look_j_cm2
                self._look_j_cm2 = max(self._look_j_cm2, look_j_cm2)
        return sharpness(image.pixels)


def use_autofocus(core: Core, device: str) -> str:
    """Make an autofocus device the one in use, and return its label.

    Raises
    ------
    DeviceMissing
        If there is none, or none of that name.
    """
    if device:
        require_device(core, device, "focus.device")
        core.setAutoFocusDevice(device)
    label = str(core.getAutoFocusDevice())
    if not label:
        raise DeviceMissing(
            "the microscope has no autofocus device in use, and the run needs one: name it "
            '(focus.device), or search by images (focus.method = "software")'
        )
    return label
