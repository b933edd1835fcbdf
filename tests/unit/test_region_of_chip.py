"""Reading out a region of the chip changes neither what is lit nor where it is strongest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from acquire.calibration import Calibration
from acquire.dose.footprint import Footprint, footprint_of
from acquire.light.source import LightSource
from acquire.simulated import LocalLightBox
from lightloop.build.cameras import cameras_of
from lightloop.build.microscope import load_core
from lightloop.build.setup import set_up
from lightloop.config import parse
from realtime.cell_dose import CellDose
from realtime.export.flat import flat_of
from realtime.wire import CameraInfo, Tracks
from tests.run_helpers import SMALL

CHIP, PIXEL_UM = (101, 121), 2.0
BEAM = Footprint.of(300.0, 300.0, rim=0.2)
WHOLE = CameraInfo("cam", *CHIP, PIXEL_UM, Calibration(1.0, 100.0, 1.6), (0, 0, 121, 101), CHIP)
LAMP = LightSource(name="488", wavelength_nm=488, power_device="Laser", power_property="Power")


def region(x: int, y: int, width: int, height: int) -> CameraInfo:
    """Return the camera, reading out this region alone."""
    roi = (x, y, width, height)
    return CameraInfo("cam", height, width, PIXEL_UM, WHOLE.calibration, roi, CHIP)


def flat(camera: CameraInfo) -> np.ndarray:
    return flat_of(BEAM, (camera.height, camera.width), camera.pixel_um, camera.axis_px)


def dose_at(camera: CameraInfo, row: float, column: float) -> float:
    """Return what a cell at this pixel of the frame takes of one exposure."""
    shape = (camera.height, camera.width)
    affine = (PIXEL_UM, 0.0, 0.0, PIXEL_UM)
    doses = CellDose({"488": BEAM}, shape, affine, axis_px=camera.axis_px)
    doses.light(0, "488", 30.0, -10.0, 1.0)
    tracks = Tracks(ids=(1,), parents=(-1,), x_px=(column,), y_px=(row,))
    return doses.read(0, 30.0, -10.0, tracks).dose["488"][0]


@pytest.mark.parametrize("roi", [(0, 0, 40, 30), (70, 60, 50, 40), (30, 25, 61, 51)])
def test_a_cell_takes_the_same_whatever_region_is_read_out(roi: tuple[int, ...]) -> None:
    x, y, width, height = roi
    part = region(*roi)
    for row, column in ((0.0, 0.0), (height - 1.0, width - 1.0), (7.3, 20.8)):
        assert dose_at(part, row, column) == dose_at(WHOLE, row + y, column + x)
    corner = dose_at(region(0, 0, 40, 30), 0.0, 0.0)
    assert corner < 0.8 * dose_at(region(50, 40, 40, 30), 10.0, 10.0), "it is no flat beam"


@pytest.mark.parametrize("roi", [(0, 0, 40, 30), (70, 60, 50, 40), (30, 25, 61, 51)])
def test_the_flat_field_of_a_region_is_cut_from_that_of_the_chip(roi: tuple[int, ...]) -> None:
    x, y, width, height = roi
    cut = flat(WHOLE)[y : y + height, x : x + width]
    np.testing.assert_allclose(flat(region(*roi)), cut, rtol=1e-6)


def test_a_lit_area_that_nobody_measured_does_not_shrink_with_the_region() -> None:
    whole = footprint_of(LAMP, WHOLE.chip_um)
    part = footprint_of(LAMP, region(10, 10, 20, 20).chip_um)
    assert part.area_um2 == whole.area_um2


def test_a_region_of_an_unknown_chip_is_taken_to_be_its_middle() -> None:
    old = CameraInfo("cam", 30, 40, PIXEL_UM, WHOLE.calibration, (8, 16, 40, 30))
    assert old.axis_px == (14.5, 19.5)
    assert old.chip_um == (80.0, 60.0)


@pytest.fixture
def with_region() -> Iterator[CameraInfo]:
    text = SMALL.replace("[plan]", "[plan]\nsetup = { roi = [16, 24, 64, 48] }", 1)
    config = parse(text, "small.toml")
    core = load_core(config, LocalLightBox(config.scope.lines()), lambda: 0.0)
    yield cameras_of(config, core, 0.325, set_up(config, core))[0]
    core.unloadAllDevices()


def test_the_region_of_a_plan_is_told_with_the_chip_that_it_is_of(with_region: CameraInfo) -> None:
    rows, columns = with_region.chip
    assert (with_region.height, with_region.width) == (48, 64)
    assert with_region.roi == (16, 24, 64, 48)
    assert rows > 48
    assert with_region.axis_px == (0.5 * (rows - 1) - 24, 0.5 * (columns - 1) - 16)
