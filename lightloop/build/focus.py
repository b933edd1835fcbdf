"""From a config to whoever brings the microscope to each exposure, and keeps its focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.core_refusals import require_device
from acquire.stand.arrival import Arrival
from acquire.stand.autofocus import DeviceFocus, ImageFocus, use_autofocus
from acquire.stand.focus_lock import FocusLock
from acquire.stand.scope import Scope
from lightloop.check.plan import asks_for_focus, focus_plans

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.core import Core
    from acquire.light.guard import LightGuard
    from acquire.loop.pause import Pause
    from acquire.stand.autofocus import Autofocus
    from lightloop.config import RunConfig


def build_scope(config: RunConfig, core: Core) -> Scope:
    """Build the microscope without its light, with the habits and cameras of the config.

    Raises
    ------
    DeviceMissing, SettingRefused
        If a device, preset or property that the plan names is missing, or is a light's.
    """
    cameras = {channel.name: channel.camera for channel in config.channel}
    scope = Scope(core, config.channel, config.light, config.stage, cameras)
    for place in config.sequence().stage_positions:
        scope.check_properties(tuple((d, n, str(v)) for d, n, v in place.properties or ()))
    return scope


def build_arrival(
    config: RunConfig,
    core: Core,
    scope: Scope,
    guard: LightGuard,
    pause: Pause,
    should_stop: Callable[[], bool],
    tell: Callable[[str], object],
) -> Arrival:
    """Build whoever comes to each exposure, with autofocus and lock where they are asked for.

    Raises
    ------
    DeviceMissing
        If the microscope has no autofocus device, and needs one.
    """
    rules = config.focus
    autofocus: Autofocus | None = None
    if asks_for_focus(config.sequence()):
        if rules.method == "software":
            autofocus = _search(config, scope, guard)
        else:
            autofocus = DeviceFocus(core, scope, rules, config.stage.timeout_s)
    lock = None
    if rules.lock:
        use_autofocus(core, rules.device)
        lock = FocusLock(core, rules.lock_wait_s)
    return Arrival(scope, rules, pause, should_stop, autofocus, lock, tell)


def check_focus(config: RunConfig, core: Core) -> None:
    """Look for the autofocus device that the config needs.

    Raises
    ------
    DeviceMissing
        If there is none.
    """
    plans = list(focus_plans(config.sequence())) if config.focus.method == "hardware" else []
    if plans or config.focus.lock:
        use_autofocus(core, config.focus.device)
    for plan in plans:
        if plan.autofocus_device_name:
            require_device(core, plan.autofocus_device_name, "plan.autofocus_plan")


def _search(config: RunConfig, scope: Scope, guard: LightGuard) -> ImageFocus:
    rules = config.focus
    channel = next((c for c in config.channel if c.name == rules.channel), config.channel[0])
    light = next(light for light in config.light if light.name == channel.light)
    share_j_cm2 = rules.budget_share * light.limits.budget_j_cm2
    look_j_cm2 = light.dose_j_cm2(rules.power_fraction, rules.exposure_ms)
    return ImageFocus(scope, guard, rules, channel.name, share_j_cm2, look_j_cm2)
