from __future__ import annotations

import pytest

from acquire.errors import DeviceMissing, SettingRefused
from acquire.light.own_core import lines_for, load_lights
from acquire.light.port import LightPort
from acquire.light.source import LightSource

WHITE = LightSource(name="white", wavelength_nm=550, shutter_device="White Light Shutter")
LED = LightSource(
    name="led", wavelength_nm=470, shutter_device="LED Shutter", power_device="LED",
    power_property="Label", power_kind="on-off", on_text="470nm", off_text="Closed",
)  # fmt: skip
CONFIG = """\
# a stand
Property,Core,Initialize,0
Device,Cam,DemoCamera,DCam
Device,Laser,Vendor,Laser
Device,COM3,SerialManager,COM3
Device,Hub,Vendor,Hub
Property,Laser,Port,COM3
Property,COM3,BaudRate,9600
Property,Cam,MaximumExposureMs,100
Parent,Laser,Hub
Property,Core,Initialize,1
Property,Laser,Power,80
Property,Core,Camera,Cam
Label,Laser,0,Off
ConfigGroup,System,Startup,Laser,Power,100
"""


def test_only_what_the_light_hangs_on_is_loaded_and_nothing_that_lights_up() -> None:
    assert lines_for(CONFIG, frozenset({"Laser"})).splitlines() == [
        "Property,Core,Initialize,0",
        "Device,Laser,Vendor,Laser",
        "Device,COM3,SerialManager,COM3",
        "Device,Hub,Vendor,Hub",
        "Property,Laser,Port,COM3",
        "Property,COM3,BaudRate,9600",
        "Parent,Laser,Hub",
        "Property,Core,Initialize,1",
        "Label,Laser,0,Off",
    ]


def test_the_keepers_core_switches_the_demo_lights_and_has_no_camera() -> None:
    core = load_lights("demo", [WHITE, LED])
    assert {"White Light Shutter", "LED Shutter", "LED"} <= set(core.getLoadedDevices())
    assert "Camera" not in core.getLoadedDevices()
    port = LightPort(core, [WHITE, LED])
    assert port.set_open(WHITE, True)
    assert port.set_power(LED, 1.0) == 1.0
    assert port.dark(WHITE)
    assert port.dark(LED)
    assert not port.is_lit(WHITE)


def test_a_file_that_is_not_there_or_names_no_real_device_is_an_error(tmp_path) -> None:
    with pytest.raises(DeviceMissing, match="cannot read"):
        load_lights(tmp_path / "none.cfg", [WHITE])
    (tmp_path / "bad.cfg").write_text("Device,White Light Shutter,NoSuchAdapter,Shutter\n")
    with pytest.raises(SettingRefused, match="loading the light devices failed"):
        load_lights(tmp_path / "bad.cfg", [WHITE])
