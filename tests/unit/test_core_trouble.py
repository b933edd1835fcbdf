"""What Micro-Manager says when it cannot load, and what we make of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acquire.core_trouble import explained, held_ports, holder_of, ports_of
from lightloop.doctor import microscope

CONFIG = """
Property,Core,Initialize,0
Device,COM3,SerialManager,COM3
Device,/dev/ttyUSB0,SerialManager,/dev/ttyUSB0
Device,Laser,CoherentOBIS,OBIS
"""
# MMCore 12.5.1 about an adapter that was built to say 71.
MISMATCH = (
    'Line 2: Device,Cam,Old,Cam Failed to load device adapter "Old" from "libmmgr_dal_Old.so.0" '
    "[ Incompatible device interface version (MMCore requires 75; device adapter has 71) ]"
)


def test_two_device_interfaces_that_do_not_fit_are_named() -> None:
    said = explained(MISMATCH)
    assert "'Old' speaks device interface 71, and this pymmcore 75" in said


def test_a_port_that_does_not_open_is_named() -> None:
    said = explained('Error in device "COM3": Unable to open serial port', CONFIG)
    assert said.startswith("port COM3 does not open: another program")


@pytest.mark.parametrize("message", ["no idea", "Error in device COM3: bad value", ""])
def test_nothing_is_made_up_about_other_errors(message: str) -> None:
    assert explained(message, CONFIG) == ""


def test_the_ports_of_a_configuration_are_its_serial_devices() -> None:
    assert ports_of(CONFIG) == ("COM3", "/dev/ttyUSB0")
    assert ports_of("") == ()


def test_a_port_that_is_not_there_is_held_by_nobody(tmp_path: Path) -> None:
    assert holder_of(str(tmp_path / "ttyNone")) == ""


@pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="the system does not show open files"
)
def test_a_program_that_holds_a_port_is_named(tmp_path: Path) -> None:
    import pty

    ours, port = pty.openpty()
    name = os.ttyname(port)
    hold = f"import sys; port = open({name!r}, 'rb'); print('held', flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        config = f"Device,Port,SerialManager,{name}\n"
        (held,) = held_ports(config)
        assert held.name == name
        assert held.holder.endswith(f"(process {other.pid})")
        said = explained(f"Error in device {name}: cannot open", config)
        assert f"(process {other.pid}) may hold it" in said
        finding = microscope.config(_config(tmp_path, config))
        assert finding.verdict == "fail"
        assert f"port {name} is held by" in finding.value
    finally:
        other.communicate(b"")
        os.close(ours)
        os.close(port)


def _config(folder: Path, system: str) -> Path:
    (folder / "mine.cfg").write_text(system, "utf-8")
    path = folder / "mine.toml"
    path.write_text(
        f"""
[scope]
kind = "micro-manager"
system = {str(folder / "mine.cfg")!r}
[[light]]
name = "led"
wavelength_nm = 470.0
shutter_device = "LED"
limits = {{ budget_j_cm2 = 1.0 }}
[[channel]]
name = "GFP"
light = "led"
exposure_ms = 10.0
[plan]
""",
        "utf-8",
    )
    return path
