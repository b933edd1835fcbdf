"""The setup of a plan: what is set once, before the first shot; none of it is light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acquire.core_refusals import commanding, near_misses, require_property
from acquire.errors import SettingRefused

if TYPE_CHECKING:
    from acquire.core import Core
    from lightloop.config import RunConfig

_SHUTTER = 3  # Micro-Manager's kind of device


def check_setup(config: RunConfig, core: Core) -> None:
    """Look for what the plan's setup names, and set nothing.

    Raises
    ------
    DeviceMissing, SettingRefused
        If a property is missing, or a shutter is no declared light's.
    """
    for device, name, _ in _properties(config):
        require_property(core, device, name, "plan.setup")
        if device in core.getLoadedDevicesOfType(_SHUTTER):
            lights = [light.name for light in config.light]
            raise SettingRefused(
                f"plan.setup sets {device} {name}, a shutter: only the light guard moves light; "
                f"{near_misses(device, lights)}"
            )


def set_up(config: RunConfig, core: Core) -> tuple[int, ...]:
    """Set properties, region and place of the plan's setup, before anything is measured or lit.

    Returns
    -------
    tuple of int
        Rows and columns of the whole chip, where a region of it was set; else nothing.

    Raises
    ------
    DeviceMissing, SettingRefused
        If something is missing or refuses.
    """
    setup: Any = config.sequence().setup
    if setup is None:
        return ()
    chip: tuple[int, ...] = ()
    check_setup(config, core)
    for device, name, value in _properties(config):
        with commanding(f"plan.setup: setting {device} {name} to {value}"):
            core.setProperty(device, name, value)
            core.waitForDevice(device)
    if setup.roi is not None:
        roi = setup.roi
        with commanding(f"plan.setup: setting the region {roi}"):
            core.clearROI()
            chip = int(core.getImageHeight()), int(core.getImageWidth())
            core.setROI(roi.offset_x, roi.offset_y, roi.width, roi.height)
        found = int(core.getImageWidth()), int(core.getImageHeight())
        if found != (roi.width, roi.height):
            raise SettingRefused(
                f"plan.setup asks for a region of {roi.width} x {roi.height}, and the camera gives "
                f"{found[0]} x {found[1]}: name one that it takes"
            )
    _go(core, setup)
    return chip


def _go(core: Core, setup: Any) -> None:
    with commanding("plan.setup: moving"):
        if setup.x_pos is not None or setup.y_pos is not None:
            x_um, y_um = core.getXYPosition()
            core.setXYPosition(
                float(x_um if setup.x_pos is None else setup.x_pos),
                float(y_um if setup.y_pos is None else setup.y_pos),
            )
            core.waitForDevice(core.getXYStageDevice())
        if setup.z_pos is not None:
            core.setPosition(float(setup.z_pos))
            core.waitForDevice(core.getFocusDevice())


def _properties(config: RunConfig) -> tuple[tuple[str, str, str], ...]:
    setup: Any = config.sequence().setup
    found = setup.properties if setup is not None else None
    return tuple((str(d), str(n), str(v)) for d, n, v in found or ())
