"""Planes between as corrections of what a denoiser and a straight line give."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models import noise
from models.axial import AxialInterpolator
from models.axial_base import cubic_weights
from models.errors import ModelError
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (24, 37)
PEDESTAL = 0.375 + 1.5**2
RESTORED = {
    "task": "axial",
    "in_frames": 6,
    "extra_channels": ("dz", "fraction"),
    "restored_by": "denoise-2d",
}


def plane(seed: int, level_e: float) -> np.ndarray:
    return np.round(100 + 2 * np.random.default_rng(seed).poisson(level_e, SHAPE)).astype(np.uint16)


def smoothed_photons(adu: np.ndarray) -> np.ndarray:
    """What a denoiser that corrects nothing states."""
    smooth = cv2.GaussianBlur(noise.forward(adu, *CAMERA), (9, 9), 1.4)
    return np.maximum((smooth**2 + np.exp(-7.0)) / 4 - PEDESTAL, 0)


def root(photons: np.ndarray) -> np.ndarray:
    return (2 * np.sqrt(photons + PEDESTAL) - 8.0) / 6.0


def test_without_a_correction_it_is_the_cubic_of_four_restored_planes(monkeypatch) -> None:
    opened = use(monkeypatch)
    planes = [plane(seed, level_e) for seed, level_e in enumerate((20.0, 40.0, 10.0, 90.0))]
    net = AxialInterpolator(package(**RESTORED), SHAPE, *CAMERA, depth_of_field_um=2.0)
    answer = net(*planes[:2], 3.0, 0.5, *planes[2:])
    lower, upper, below, above = (smoothed_photons(one) for one in planes)
    cubic = np.maximum((9 * lower + 9 * upper - below - above) / 16, 0)
    np.testing.assert_allclose(answer.photons, cubic, rtol=2e-3, atol=1e-2)
    for index, photons in enumerate((lower, upper, below, above)):
        np.testing.assert_allclose(opened[0].seen[-1][2 + index, :, :37], root(photons), atol=1e-3)


def test_planes_that_were_looked_at_once_give_the_same_answer(monkeypatch) -> None:
    opened = use(monkeypatch)
    planes = [plane(seed, 30.0 + seed) for seed in range(4)]
    net = AxialInterpolator(package(**RESTORED), SHAPE, *CAMERA, depth_of_field_um=2.0)
    wanted = net(*planes[:2], 3.0, 0.5, *planes[2:]).photons.copy()
    shown = [net.show(one) for one in planes]
    before = len(opened[1].seen)
    np.testing.assert_array_equal(net(*shown[:2], 3.0, 0.5, *shown[2:]).photons, wanted)
    assert len(opened[1].seen) == before  # the denoiser was not asked again


def test_the_weights_of_a_cubic_follow_every_parabola() -> None:
    rng = np.random.default_rng(3)
    for fraction in (0.0, 1 / 3, 0.5, 0.9, 1.0):
        a, b, c = rng.normal(size=3)
        at = np.array([0.0, 1.0, -1.0, 2.0])  # lower, upper, below, above
        wanted = a + b * fraction + c * fraction**2
        assert cubic_weights(fraction) @ (a + b * at + c * at**2) == pytest.approx(wanted)


def test_without_a_correction_it_is_the_blend_of_both_restored_planes(monkeypatch) -> None:
    opened = use(monkeypatch)
    lower, upper = plane(1, 10.0), plane(2, 40.0)
    net = AxialInterpolator(package(**RESTORED), SHAPE, *CAMERA, depth_of_field_um=2.0)
    answer = net(lower, upper, dz_um=3.0)
    below, above = smoothed_photons(lower), smoothed_photons(upper)
    blend = 0.5 * below + 0.5 * above
    np.testing.assert_allclose(answer.photons, blend, rtol=1e-3, atol=5e-3)
    seen = opened[0].seen[-1]
    assert seen.shape == (8, 24, 40)
    for index, photons in enumerate((below, above, below, above)):  # the nearest stand in
        np.testing.assert_allclose(seen[2 + index, :, :37], root(photons), atol=1e-3)
    assert seen[6, 0, 0] == pytest.approx(1.5)
    assert seen[7, 0, 0] == pytest.approx(0.5)


def test_both_networks_are_closed(monkeypatch) -> None:
    opened = use(monkeypatch)
    net = AxialInterpolator(package(**RESTORED), SHAPE, *CAMERA, depth_of_field_um=2.0)
    net.close()
    assert len(opened) == 2
    assert not any(engine.is_open for engine in opened)


def test_a_denoiser_that_is_not_shipped_is_named(monkeypatch) -> None:
    opened = use(monkeypatch)
    other = package(**RESTORED | {"restored_by": "no-such-net"})
    with pytest.raises(ModelError, match="no network called 'no-such-net' is shipped"):
        AxialInterpolator(other, SHAPE, *CAMERA, depth_of_field_um=2.0)
    assert not any(engine.is_open for engine in opened)
