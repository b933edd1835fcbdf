"""The worker's results say what each cell has taken, from the light that was booked."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from lightloop.build.cell_light import build_cell_dose
from lightloop.build.pipeline import build_pipeline
from lightloop.config import parse
from realtime.wire import decode_from_hub, encode
from tests.run_helpers import SMALL
from tests.unit.run_samples import start

SHAPE = (128, 128)
CONFIG = SMALL.replace("lit_area_um2 = 1731.0", "lit_area_um2 = 4000.0")


def frame(shot: int, dose: float, light: str = "488") -> FrameInfo:
    used = Applied("GFP", light, 488.0, 20.0, 20.0, 0.2, 0.2, 1.0, dose, True, shot - 1)
    return FrameInfo(
        shot, "cam", shot, 0, 60.0 * shot, Shot(shot, 0, 1), 0, Index(t=shot), *SHAPE,
        (500.0, 300.0, 0.0), used,
    )  # fmt: skip


def counts(shot: int) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = np.full(SHAPE, 12.0)
    for at in ((40, 40), (80, 90)):
        image += 150.0 * (np.hypot(y - at[0], x - at[1]) < 10)
    noise = np.random.default_rng(shot).poisson(image)
    return (0.5 * noise + 100).astype(np.uint16)


def results(config: str, doses: list[float], light: str = "488") -> list:
    pipeline = build_pipeline(parse(config), start(*SHAPE), None)
    found = []
    for shot, dose in enumerate(doses):
        pipeline.see(frame(shot, dose, light), counts(shot))
        found.append(pipeline.answer()[0])
    return found


def test_cells_that_stay_have_taken_the_sum_of_the_doses() -> None:
    found = results(CONFIG, [0.02, 0.05, 0.01])
    for result, total in zip(found, (0.02, 0.07, 0.08), strict=True):
        assert result.cell_dose is not None
        assert result.cell_dose.ids == result.tracks.ids
        assert len(result.tracks.ids) == 2
        assert result.cell_dose.dose["488"] == pytest.approx((total, total))
        assert result.cell_dose.damage[0] == pytest.approx(total * 10 ** ((385 - 488) / 70))
    assert decode_from_hub(encode(found[-1])) == found[-1]


def test_where_nobody_is_followed_nothing_is_added_up() -> None:
    (found,) = results('follow = "nothing"\n' + CONFIG, [0.02])
    assert found.cell_dose is None


def test_light_that_the_config_does_not_know_is_left_out_and_not_invented() -> None:
    found = results(CONFIG, [0.02, 0.02], light="white")
    assert found[-1].cell_dose is not None
    assert found[-1].cell_dose.dose == {"488": (0.0, 0.0)}


def test_a_calibration_that_is_not_here_costs_the_doses_and_not_the_worker(
    tmp_path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LIGHTLOOP_CALIBRATIONS", str(tmp_path))
    known = CONFIG.replace("power_mw_at_maximum = 0.0865\n", 'calibration = "power-488-gone"\n')
    config = parse(known.replace("lit_area_um2 = 4000.0\n", ""))
    assert build_cell_dose(config, start(*SHAPE).cameras[0]) is None
    assert "power-488-gone" in caplog.text
