from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from acquire.simulated.bench import Bench
from acquire.simulated.config import LASER, SimulatedScopeConfig
from acquire.simulated.light.light_source import Line
from acquire.simulated.light.local_light_box import LocalLightBox
from acquire.simulated.optics.optics import Window

CONFIG = SimulatedScopeConfig(height=96, width=96, n_cells=5, field_scale=3.0)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def bench_of(config: SimulatedScopeConfig, gate: str = "camera") -> tuple[Bench, Clock]:
    clock = Clock()
    line = Line(LASER, 488.0, 5.0, gate)  # type: ignore[arg-type]  # a plain str
    return Bench(config, LocalLightBox([line], clock), lambda: 0.0), clock


def expose(bench: Bench, exposure_s: float) -> NDArray[np.uint16]:
    config = bench.config
    out = np.empty((config.height, config.width), np.uint16)
    bench.expose(exposure_s, Window(0, 0, config.width, config.height), out, lambda s: s or 0.0)
    return out


def test_light_between_exposures_bleaches_and_nobody_sees_it() -> None:
    bench, clock = bench_of(CONFIG, "software")
    bench.light.set_power(LASER, 0.1)
    bench.light.set_open(True)
    before = bench.truth().dye
    clock.now_s += 20.0
    bench.light.set_open(False)
    image = expose(bench, 0.01)
    after = bench.truth().dye
    assert (after < 0.9 * before).any()
    assert image.mean() == pytest.approx(CONFIG.offset_adu, abs=1.0)


def test_only_the_cells_in_the_lit_field_take_light() -> None:
    bench, _ = bench_of(CONFIG)
    bench.light.set_power(LASER, 1.0)
    bench.light.set_open(True)
    expose(bench, 1.0)
    truth = bench.truth()
    y, x = bench.to_pixels(truth.x_um, truth.y_um)
    inside = (np.abs(y - 47.5) < 48) & (np.abs(x - 47.5) < 48)
    outside = (np.abs(y - 47.5) > 58) | (np.abs(x - 47.5) > 58)
    assert inside.any()
    assert (truth.damage[inside] > 0).all()
    assert not truth.damage[outside].any()


def test_dark_counts_grow_with_the_exposure() -> None:
    bench, _ = bench_of(CONFIG.model_copy(update={"dark_current_e_s": 40.0}))
    short, long = expose(bench, 0.1).astype(float), expose(bench, 2.0).astype(float)
    assert long.mean() - short.mean() == pytest.approx(2.0 * 40.0 * 1.9, rel=0.02)
