"""When a network for planes between has no say, or half of one."""

from __future__ import annotations

import numpy as np
import pytest

from models.axial import AxialInterpolator
from models.axial_check import PlaneError
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (24, 37)


def plane(level_e: float) -> np.ndarray:
    return np.full(SHAPE, 100 + 2 * level_e, np.uint16)


def brighter(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correct all pixels of a plane between by one sigma; leave single frames as they are."""
    shape = planes.shape[1:]
    return np.full(shape, float(len(planes) > 1), np.float32), np.full(shape, -7.0, np.float32)


def interpolator() -> AxialInterpolator:
    extra = ("dz", "fraction")
    one = package(task="axial", in_frames=6, extra_channels=extra, restored_by="denoise-2d")
    return AxialInterpolator(one, SHAPE, *CAMERA, depth_of_field_um=2.0)


def test_beyond_what_it_has_learnt_it_steps_aside_and_says_so(monkeypatch) -> None:
    opened = use(monkeypatch, brighter)
    net, lower, upper = interpolator(), plane(20.0), plane(60.0)
    inside = net(lower, upper, 8.0).photons.copy()
    assert net.aside == ""
    asked = len(opened[0].seen)
    answer = net(lower, upper, 8.3)
    assert net.aside.startswith("the planes lie 4.2 depths of field apart, and denoise-2d@2")
    assert net.aside.endswith("has learnt up to 4")
    assert len(opened[0].seen) == asked  # nobody asked the network
    assert answer.sd_e is None
    np.testing.assert_allclose(answer.photons, 40.0, rtol=2e-3)
    assert np.mean(inside - answer.photons) > 5


@pytest.mark.parametrize("weight", [0.25, 0.5])
def test_a_network_that_is_half_believed_corrects_half(monkeypatch, weight) -> None:
    use(monkeypatch, brighter)
    net, lower, upper = interpolator(), plane(20.0), plane(60.0)
    whole, blend = net(lower, upper, 1.0).photons.copy(), net.blend()
    net.weight = weight
    wanted = weight * whole + (1 - weight) * blend
    np.testing.assert_allclose(net(lower, upper, 1.0).photons, wanted, rtol=1e-5)
    assert net.aside == ""


def test_network_and_line_count_as_planes_that_were_taken_say(monkeypatch) -> None:
    use(monkeypatch, brighter)
    net = interpolator()
    planes = [plane(level_e) for level_e in (20.0, 60.0, 5.0, 10.0)]
    net(*planes[:2], 1.0, 0.5, *planes[2:])
    network, blend, line = (image.copy() for image in net.candidates())
    np.testing.assert_allclose(line, 40.0, rtol=2e-3)
    np.testing.assert_allclose(blend, (9 * 80 - 15) / 16, rtol=2e-3)
    net.believe(PlaneError(weight=0.5, line_weight=1.5))
    wanted = blend + 0.5 * (network - blend) + 1.5 * (line - blend)
    np.testing.assert_allclose(net(*planes[:2], 1.0, 0.5, *planes[2:]).photons, wanted, rtol=1e-5)
    np.testing.assert_array_equal(net.candidates().network, network)  # whatever they count
    net.believe(PlaneError(weight=0.0, line_weight=1.0))
    answer = net(*planes[:2], 1.0, 0.5, *planes[2:])
    np.testing.assert_allclose(answer.photons, line, rtol=1e-5)
    net.believe(None)
    np.testing.assert_array_equal(net(*planes[:2], 1.0, 0.5, *planes[2:]).photons, network)


def test_a_network_that_is_not_believed_is_not_asked(monkeypatch) -> None:
    opened = use(monkeypatch, brighter)
    net, lower, upper = interpolator(), plane(20.0), plane(60.0)
    net.weight = 0.0
    answer = net(lower, upper, 1.0)
    np.testing.assert_array_equal(answer.photons, net.blend())
    np.testing.assert_allclose(answer.photons, 40.0, rtol=2e-3)
    assert "no better than their neighbours" in net.aside
    assert not opened[0].seen
