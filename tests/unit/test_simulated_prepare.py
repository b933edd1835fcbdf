"""What takes long is drawn before the first frame is waited for, and changes no frame."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.simulated import LocalLightBox
from acquire.simulated.bench import Bench
from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.optics import psf
from acquire.simulated.optics.optics import Window
from acquire.simulated.presets import preset

SIDE = 96


def stand(config: SimulatedScopeConfig) -> Bench:
    bench = Bench(config, LocalLightBox(config.lines(), lambda: 0.0), lambda: 0.0)
    bench.light.set_power(config.all_lines()[0].name, 0.2)
    bench.light.set_open(True)
    return bench


def small() -> SimulatedScopeConfig:
    return preset("nuclei-3d").model_copy(update={"width": SIDE, "height": SIDE, "n_cells": 8})


def frame(bench: Bench, z_um: float) -> np.ndarray:
    out = np.empty((SIDE, SIDE), np.uint16)
    bench.z_um = z_um
    bench.expose(0.02, Window(0, 0, SIDE, SIDE), out, lambda s: s or 0.0)
    return out


def test_what_is_prepared_changes_no_frame() -> None:
    plain, prepared = stand(small()), stand(small())
    prepared.prepare()
    for z_um in (0.0, -4.0, 2.0):
        np.testing.assert_array_equal(frame(prepared, z_um), frame(plain, z_um))


def test_the_first_frame_of_bodies_makes_no_blur_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = stand(small())
    bench.prepare()
    made: list[float] = []
    real = psf.gibson_lanni
    monkeypatch.setattr(psf, "gibson_lanni", lambda *a: made.append(1.0) or real(*a))
    frame(bench, 0.0)
    assert not made
    frame(stand(small()), 0.0)
    assert made, "where nothing was prepared, the first frame does it"


def test_preparing_gives_no_light_and_takes_no_frame() -> None:
    bench = stand(small())
    bench.prepare()
    assert bench.frames == 0
    assert bench.light.meter() == stand(small()).light.meter()


def test_the_pupil_is_integrated_as_by_the_textbook() -> None:
    nodes, weights = psf._quadrature()
    expected_nodes, expected_weights = np.polynomial.legendre.leggauss(len(nodes))
    np.testing.assert_allclose(nodes, expected_nodes, atol=1e-12)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-12)
