"""The simulated scope in a foreign program: by its configuration file and nothing else of ours."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymmcore_plus.experimental.unicore import UniMMCore
from useq import Channel, MDAEvent, MDASequence, TIntervalLoops, ZRangeAround

PATIENCE_S = 20.0
SYSTEM = Path(str(files("configs") / "simulated.cfg"))
SMALL = """
#py Property,Scope,height,64
#py Property,Scope,width,96
#py Property,Scope,n_cells,4
"""


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    cores: list[Any] = []

    def make(*lines: str) -> Any:
        text = SYSTEM.read_text("utf-8")
        before = "#py Property,Scope,LightBox"
        path = tmp_path / "small.cfg"
        path.write_text(text.replace(before, "\n".join([SMALL, *lines, before])), "utf-8")
        core: Any = UniMMCore()
        cores.append(core)
        core.loadSystemConfiguration(str(path))
        core.setProperty("Camera", "RealTime", "Off")
        return core

    yield make
    for core in cores:
        core.unloadAllDevices()


def doses(core: Any) -> list[float]:
    return [float(core.getProperty(line, "Meter_J_cm2")) for line in ("Laser488", "Laser561")]


def test_the_file_loads_and_is_dark(load: Callable[..., Any]) -> None:
    core = load()
    assert core.getCameraDevice() == "Camera"
    assert core.getShutterDevice() == "Shutter"
    assert core.getFocusDevice() == "Z"
    assert core.getXYStageDevice() == "XY"
    assert core.getChannelGroup() == "Channel"
    assert set(core.getLoadedPeripheralDevices("Scope")) == set(core.getLoadedDevices()) - {
        "Scope",
        "Core",
    }
    assert (core.getImageHeight(), core.getImageWidth()) == (64, 96)
    assert core.getPixelSizeUm() == pytest.approx(0.325)
    assert not core.getShutterOpen()
    for preset in core.getAvailableConfigs("Channel"):
        core.setConfig("Channel", preset)
        core.snapImage()
    assert doses(core) == [0.0, 0.0]


def test_a_plain_snap_is_lit_for_its_exposure_only(load: Callable[..., Any]) -> None:
    core = load()
    core.snapImage()
    dark = core.getImage().mean()
    core.setConfig("Channel", "488")
    core.setProperty("Laser488", "Power", "20")
    core.setExposure(30.0)
    core.snapImage()
    assert core.getImage().mean() > dark + 10
    assert not core.getShutterOpen()
    assert doses(core) == pytest.approx([5.0 * 0.2 * 0.030, 0.0])


@pytest.mark.parametrize("in_hardware", [True, False])
def test_a_plain_mda_with_channels_and_planes_gets_its_light(
    load: Callable[..., Any], in_hardware: bool
) -> None:
    core = load()
    core.setProperty("Laser488", "Power", "10")
    core.setProperty("Laser561", "Power", "5")
    core.mda.engine.use_hardware_sequencing = in_hardware
    frames: list[tuple[MDAEvent, float]] = []
    came = threading.Event()

    def note(image: Any, event: MDAEvent) -> None:
        frames.append((event, float(image.mean())))
        if len(frames) == 12:
            came.set()

    core.mda.events.frameReady.connect(note)
    core.mda.run(
        MDASequence(
            axis_order=("t", "c", "z"),
            channels=(Channel(config="488", exposure=10.0), Channel(config="561", exposure=20.0)),
            z_plan=ZRangeAround(range=4.0, step=2.0),
            time_plan=TIntervalLoops(interval=timedelta(0), loops=2),
        )
    )
    assert came.wait(PATIENCE_S)
    assert [dict(event.index) for event, _ in frames] == [
        {"t": t, "c": c, "z": z} for t in range(2) for c in range(2) for z in range(3)
    ]
    assert all(mean > 105.0 for _, mean in frames)
    assert doses(core) == pytest.approx([6 * 5.0 * 0.10 * 0.010, 6 * 5.0 * 0.05 * 0.020])
    assert not core.getShutterOpen()


def test_the_light_box_is_a_process_of_its_own_that_ends_with_the_devices(
    load: Callable[..., Any],
) -> None:
    before = {child.pid for child in psutil.Process().children()}
    core = load()
    (box,) = [child for child in psutil.Process().children() if child.pid not in before]
    core.setProperty("Laser488", "Power", "10")
    core.unloadAllDevices()
    assert not box.is_running()


def test_a_light_box_that_is_killed_is_missed(load: Callable[..., Any]) -> None:
    before = {child.pid for child in psutil.Process().children()}
    core = load()
    (box,) = [child for child in psutil.Process().children() if child.pid not in before]
    box.kill()
    box.wait(PATIENCE_S)
    with pytest.raises(LookupError, match="light box has gone"):
        core.setProperty("Laser488", "Power", "10")


def test_two_microscopes_in_one_program_are_two(load: Callable[..., Any]) -> None:
    one, other = load(), load("#py Property,Scope,seed,2")
    one.setProperty("Laser488", "Power", "10")
    one.snapImage()
    other.snapImage()
    assert doses(one)[0] > 0.0
    assert doses(other) == [0.0, 0.0]
    assert one.getProperty("Scope", "seed") == "1"
    assert other.getProperty("Scope", "seed") == "2"


def test_the_second_camera_sees_the_exposures_of_the_first(load: Callable[..., Any]) -> None:
    core = load()
    core.setProperty("Camera2", "Trigger", "External")
    core.setProperty("Laser488", "Power", "10")
    core.setExposure(10.0)
    core.snapImage()
    core.setCameraDevice("Camera2")
    core.snapImage()
    assert core.getImage().mean() > 105.0
    assert doses(core)[0] == pytest.approx(5.0 * 0.10 * 0.010)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("#py Property,Scope,preset,elephants", "elephants"),
        ("#py Property,Scope,n_cells,many", "n_cells|integer"),
        ("#py Property,Scope,seed,-1", "greater than"),
        ("#py Property,Scope,ExtraLines,99", "wavelength_nm"),
        ("#py Property,Scope,n_sells,4", "n_sells"),
    ],
)
def test_a_mistake_in_the_file_is_found_where_it_stands(
    load: Callable[..., Any], line: str, why: str
) -> None:
    with pytest.raises(RuntimeError, match=why):
        load(line)


def test_a_device_without_a_hub_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "lonely.cfg"
    path.write_text("#py pyDevice,XY,acquire.simulated.devices.stages,SimulatedXYStage\n", "utf-8")
    core = UniMMCore()
    with pytest.raises(RuntimeError, match="load the hub"):
        core.loadSystemConfiguration(str(path))
    core.unloadAllDevices()


def test_a_program_that_forgets_to_unload_leaves_no_light_box() -> None:
    code = f"""
import os, psutil
from pymmcore_plus.experimental.unicore import UniMMCore
core = UniMMCore()
core.loadSystemConfiguration({str(SYSTEM)!r})
core.setProperty("Laser488", "Power", "10")
print([child.pid for child in psutil.Process().children()], flush=True)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    pids = [int(pid) for pid in done.stdout.strip().strip("[]").split(",")]
    assert pids
    for pid in pids:
        try:
            psutil.Process(pid).wait(PATIENCE_S)
        except psutil.NoSuchProcess:
            continue


def test_a_configuration_that_was_saved_loads_again(
    load: Callable[..., Any], tmp_path: Path
) -> None:
    core = load("#py Property,Scope,preset,sparse", "#py Property,Scope,psf,gaussian")
    path = tmp_path / "saved.cfg"
    core.saveSystemConfiguration(path)
    again: Any = UniMMCore()
    try:
        again.loadSystemConfiguration(str(path))
        for name in core.getDevicePropertyNames("Scope"):
            assert again.getProperty("Scope", name) == core.getProperty("Scope", name) or (
                name == "TimeScale"  # is no property of before initialization
            )
        assert again.getAvailableConfigs("Channel") == ("488", "561")
        assert again.getStateLabels("Wheel") == ("Open", "488", "561")
    finally:
        again.unloadAllDevices()


def test_without_a_preset_the_hub_takes_the_defaults(load: Callable[..., Any]) -> None:
    core = load("#py Property,Scope,preset,", "#py Property,Scope,pixel_maps,True")
    assert core.getProperty("Scope", "preset") == ""
    assert core.getProperty("Scope", "pixel_maps") == "True"
    assert "sparse" in core.getAllowedPropertyValues("Scope", "preset")
