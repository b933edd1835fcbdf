"""Which camera this is, and in which mode: read from whatever its adapter calls these things."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from acquire.calibration import CameraKey
from acquire.core_refusals import commanding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquire.core import Core

# Names that adapters of Micro-Manager give to the same thing, in lower case without blanks, as seen
# in the property lists of their pages (Andor, Hamamatsu DCAM, PVCAM, PCO, Basler, Spinnaker, ...).
_SERIAL = re.compile(r"^(camera)?(serial(number|no)?|(camera)?id|serialnum)$")
_MODE = re.compile(
    r"^(readout(mode|rate|speed)|pixelreadoutrate|port|speed|sensormode|scanmode|shuttermode"
    r"|electronicshutteringmode|overlap|outputamplifier|pixeltype|noisefilter|despeckle.*"
    r"|defectcorrectmode|spuriousnoisefilter|hotpixelcorrection.*|.*pixelcorrection)$"
)
_GAIN = re.compile(r"^(gain|analoggain|digitalgain|emgain|multipliergain|em_gain|preampgain"
                   r"|pre-amp-gain|conversiongain|sensitivity.*|gamma|gainmode)$")  # fmt: skip
_DEPTH = re.compile(r"^(bitdepth|adcbitdepth|bits|bitsperchannel)$")


def camera_key(core: Core, label: str, will_be: Mapping[str, str] | None = None) -> CameraKey:
    """Ask a camera who it is and how it is set.

    Parameters
    ----------
    will_be
        Properties that are not set yet, and will be before the run.

    Raises
    ------
    SettingRefused
        If the driver does not answer.
    """
    with commanding(f"asking camera {label!r} for its mode"):
        values = {
            str(name): str(core.getProperty(label, str(name)))
            for name in core.getDevicePropertyNames(label)
            if any(p.match(_plain(str(name))) for p in (_SERIAL, _MODE, _GAIN, _DEPTH))
            or _plain(str(name)) == "binning"
        }
        values |= {name: value for name, value in (will_be or {}).items() if name in values}
        model = _model(core, label)
        return CameraKey(
            model=model,
            serial=_joined(values, _SERIAL, values_only=True),
            readout_mode=_joined(values, _MODE),
            bit_depth=_number(_joined(values, _DEPTH, values_only=True)),
            gain=_joined(values, _GAIN),
            binning=_number(next((v for n, v in values.items() if _plain(n) == "binning"), "")),
        )


def _model(core: Any, label: str) -> str:
    """Return the adapter's name of the device; a device written in Python has a class instead."""
    try:
        return str(core.getDeviceName(label))
    except (AttributeError, RuntimeError):
        return label


def _joined(values: dict[str, str], pattern: re.Pattern[str], *, values_only: bool = False) -> str:
    found = {name: value for name, value in sorted(values.items()) if pattern.match(_plain(name))}
    if values_only:
        return next(iter(found.values()), "")
    return ", ".join(f"{name}={value}" for name, value in found.items())


def _plain(name: str) -> str:
    return name.lower().replace(" ", "").replace("_", "")


def _number(text: str) -> int:
    """Return the first whole number in a text such as "2x2" or "12-bit"; 0 for none."""
    found = re.search(r"\d+", text)
    return int(found.group()) if found else 0
