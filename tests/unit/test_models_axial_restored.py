"""Planes between as corrections of what a denoiser and a straight line give."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models import ModelError, noise
from models.axial import AxialInterpolator
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (24, 37)
PEDESTAL = 0.375 + 1.5**2
RESTORED = {
    "task": "axial",
    "in_frames": 4,
    "extra_channels": ("dz", "fraction"),
    "restored_by": "denoise-2d",
}


def plane(seed: int, level_e: float) -> np.ndarray:
    return np.round(100 + 2 * np.random.default_rng(seed).poisson(level_e, SHAPE)).astype(np.uint16)


def smoothed_photons(adu: np.ndarray) -> np.ndarray:
    """What a denoiser that corrects nothing states."""
    smooth = cv2.GaussianBlur(noise.forward(adu, *CAMERA), (9, 9), 1.4)
    return np.maximum((smooth**2 + np.exp(-7.0)) / 4 - PEDESTAL, 0)


def test_without_a_correction_it_is_the_blend_of_both_restored_planes(monkeypatch) -> None:
    opened = use(monkeypatch)
    lower, upper = plane(1, 10.0), plane(2, 40.0)
    net = AxialInterpolator(package(**RESTORED), SHAPE, *CAMERA, depth_of_field_um=2.0)
    answer = net(lower, upper, dz_um=3.0, fraction=0.25)
    below, above = smoothed_photons(lower), smoothed_photons(upper)
    blend = 0.75 * below + 0.25 * above
    np.testing.assert_allclose(answer.photons, blend, rtol=1e-3, atol=5e-3)
    seen = opened[0].seen[-1]
    assert seen.shape == (6, 24, 40)
    for index, photons in ((2, below), (3, above)):
        wanted = (2 * np.sqrt(photons + PEDESTAL) - 8.0) / 6.0
        np.testing.assert_allclose(seen[index, :, :37], wanted, atol=1e-3)
    assert seen[4, 0, 0] == pytest.approx(1.5)
    assert seen[5, 0, 0] == pytest.approx(0.25)


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
