"""The cameras of a run: that of the first channel first, as its frames are the ones followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.calibrating.camera_key import camera_key
from acquire.core_refusals import commanding, require_device
from acquire.errors import SettingRefused
from lightloop.calibrate.calibrations import camera_calibration
from realtime.wire import CameraInfo

if TYPE_CHECKING:
    from acquire.core import Core
    from lightloop.config import RunConfig


def cameras_of(
    config: RunConfig, core: Core, pixel_um: float, chip: tuple[int, ...] = ()
) -> tuple[CameraInfo, ...]:
    """Return every camera that a channel uses; the core's own stays in use.

    Parameters
    ----------
    chip
        Rows and columns of the core's own camera, where a region of it was set.

    Raises
    ------
    DeviceMissing
        If one is not there.
    SettingRefused
        If two give frames of different shapes.
    ConfigError
        If the calibration of one is of another camera, or of this one in another mode.
    """
    own = str(core.getCameraDevice())
    labels = list(dict.fromkeys(channel.camera or own for channel in config.channel))
    found: list[CameraInfo] = []
    try:
        for label in labels:
            require_device(core, label, "camera")
            _use(core, label)
            info = _info(config, core, label, own, pixel_um)
            found.append(msgspec.structs.replace(info, chip=chip) if label == own else info)
    finally:
        _use(core, own)
    first = found[0]
    for other in found[1:]:
        if (other.height, other.width) != (first.height, first.width):
            raise SettingRefused(
                f"camera {other.label!r} gives frames of {other.height} x {other.width}, and "
                f"{first.label!r} of {first.height} x {first.width}: set their regions and binning "
                "alike (scope.properties, plan.setup)"
            )
    return tuple(found)


def _use(core: Core, label: str) -> None:
    if core.getCameraDevice() != label:
        with commanding(f"changing to camera {label!r}"):
            core.setCameraDevice(label)


def _info(config: RunConfig, core: Core, label: str, own: str, pixel_um: float) -> CameraInfo:
    other = next((one for one in config.other_camera if one.label == label), None)
    if other is not None and label != own:
        config = config.model_copy(update={"camera": other})
    calibration = camera_calibration(config, "run config", lambda: camera_key(core, label))
    height, width = int(core.getImageHeight()), int(core.getImageWidth())
    roi = tuple(int(edge) for edge in core.getROI())
    return CameraInfo(label, height, width, float(pixel_um), calibration, roi)
