"""Which camera it is, read from whatever an adapter calls these things."""

from __future__ import annotations

import pytest

from acquire.calibrating.camera_key import camera_key
from acquire.calibration import CameraKey
from acquire.errors import SettingRefused

ANDOR = {
    "CameraID": "VSC-04711", "ReadoutRate": "280 MHz", "ShutterMode": "Rolling",
    "Sensitivity/DynamicRange": "16-bit", "PixelType": "16bit", "SpuriousNoiseFilter": "On",
    "Binning": "2x2", "Exposure": "10.0", "CCDTemperature": "-5.0",
}  # fmt: skip
HAMAMATSU = {
    "CameraID": "S/N: 300123", "ScanMode": "2", "Binning": "1x1", "BitsPerChannel": "16",
    "HOT PIXEL CORRECTION": "ON", "TRIGGER SOURCE": "INTERNAL",
}  # fmt: skip
PVCAM = {
    "SerialNumber": "A18M203", "Port": "Dynamic Range", "ReadoutRate": "100MHz 16bit",
    "Gain": "1", "MultiplierGain": "300", "BitDepth": "16", "Binning": "1",
}  # fmt: skip


class FakeCore:
    def __init__(self, properties: dict[str, str], *, breaks: bool = False) -> None:
        self.properties, self.breaks = properties, breaks

    def getDevicePropertyNames(self, label: str) -> list[str]:
        return list(self.properties)

    def getProperty(self, label: str, name: str) -> str:
        if self.breaks:
            raise RuntimeError("busy")
        return self.properties[name]

    def getDeviceName(self, label: str) -> str:
        return "Maker Camera"


@pytest.mark.parametrize(
    ("properties", "key"),
    [
        (
            ANDOR,
            CameraKey(
                "Maker Camera",
                "VSC-04711",
                "PixelType=16bit, ReadoutRate=280 MHz, ShutterMode=Rolling, SpuriousNoiseFilter=On",
                0,
                "Sensitivity/DynamicRange=16-bit",
                2,
            ),
        ),
        (
            HAMAMATSU,
            CameraKey(
                "Maker Camera",
                "S/N: 300123",
                "HOT PIXEL CORRECTION=ON, ScanMode=2",
                16,
                "",
                1,
            ),
        ),
        (
            PVCAM,
            CameraKey(
                "Maker Camera",
                "A18M203",
                "Port=Dynamic Range, ReadoutRate=100MHz 16bit",
                16,
                "Gain=1, MultiplierGain=300",
                1,
            ),
        ),
        ({}, CameraKey("Maker Camera")),
    ],
)
def test_adapters_speak_of_the_same_things_in_their_own_words(
    properties: dict[str, str], key: CameraKey
) -> None:
    assert camera_key(FakeCore(properties), "Camera") == key  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["SpuriousNoiseFilter", "Binning", "ShutterMode", "CameraID"])
def test_what_changes_the_noise_changes_the_key(name: str) -> None:
    before = camera_key(FakeCore(ANDOR), "Camera")  # type: ignore[arg-type]
    after = camera_key(FakeCore(ANDOR), "Camera", {name: "9"})  # type: ignore[arg-type]
    assert len(before.differences(after)) == 1


def test_temperature_and_exposure_do_not_change_the_key() -> None:
    before = camera_key(FakeCore(ANDOR), "Camera")  # type: ignore[arg-type]
    other = FakeCore(ANDOR | {"CCDTemperature": "-4.9", "Exposure": "20"})
    assert camera_key(other, "Camera") == before  # type: ignore[arg-type]


def test_a_property_that_a_camera_has_not_is_not_made_up() -> None:
    key = camera_key(FakeCore({}), "Camera", {"Gain": "3"})  # type: ignore[arg-type]
    assert key.gain == ""


def test_a_driver_that_does_not_answer_is_a_typed_error() -> None:
    with pytest.raises(SettingRefused, match=r"asking camera 'Camera' for its mode failed: busy"):
        camera_key(FakeCore(ANDOR, breaks=True), "Camera")  # type: ignore[arg-type]
