"""The size of cells, read from images of known cells; and how far it is from what was told."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lightloop.tracking.cell_size import diameter_of, doubt_of_size, measured_diameter
from realtime.detecting.config import DetectorConfig


def nuclei(diameter_px: float, seed: int = 1) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    image = np.full((320, 320), 4.0)
    y, x = np.mgrid[:320, :320]
    step = int(2.2 * diameter_px)
    for at_y in range(step, 320 - step // 2, step):
        for at_x in range(step, 320 - step // 2, step):
            image[np.hypot(y - at_y, x - at_x) < diameter_px / 2] = 60.0
    return np.asarray(rng.poisson(image), np.float32)


@pytest.mark.parametrize("diameter_px", [9.0, 20.0, 48.0])
def test_nuclei_of_a_known_size_are_measured_wherever_the_search_begins(diameter_px: float) -> None:
    for told in (12.0, 20.0, 32.0):
        config = DetectorConfig(diameter_px=told)
        seen = measured_diameter([nuclei(diameter_px)], config, 1.6)
        assert seen == pytest.approx(diameter_px, rel=0.2)


def test_where_nothing_is_the_told_size_stays() -> None:
    empty = np.random.default_rng(3).poisson(5.0, (128, 128)).astype(np.float32)
    assert measured_diameter([empty], DetectorConfig(diameter_px=17.0), 1.6) == 17.0
    assert diameter_of([]) == 0.0


def test_only_a_size_that_is_far_off_is_told() -> None:
    assert doubt_of_size(20.0, 28.0) == ""
    assert doubt_of_size(20.0, 0.0) == ""
    for seen in (40.0, 10.0):
        assert f"set diameter_px = {seen:.0f} under [detect]" in doubt_of_size(20.0, seen)
