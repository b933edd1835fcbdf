"""The stated error of images for looking: per camera pixel, scaled as it was measured."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.conformal import UNKNOWN
from models.denoise import Denoised
from models.package import Package, shipped
from models.stated import Stated
from models.train.trust_films import Seen
from models.train.trust_looking import coverage, fine_images, planes_between, scales
from tests.unit.fake_network import package, use

HALVES = {f"{region}.2.{part}": value for region in ("cells", "background")
          for part, value in (("low", 0.5), ("middle", 1.0), ("high", 2.0))}  # fmt: skip


def two_lights(low: float, high: float, size: int = 64) -> np.ndarray:
    photons = np.full((size, size), low, np.float32)
    photons[size // 4 : size // 2, size // 4 : size // 2] = high
    return photons


def manifest(**changes: object):
    return package(conformal=HALVES, **changes).manifest


@pytest.mark.parametrize(("upscale", "times"), [(1, 1.0), (2, 4.0)])
def test_the_error_is_told_per_pixel_of_the_camera(upscale: int, times: float) -> None:
    stated = Stated(manifest(upscale=upscale))
    photons = two_lights(0.5, 5.0)
    error = stated(Denoised(photons, np.where(photons > 1, np.float32(0.3), np.float32(0.1))))
    assert error.rmse_e == pytest.approx(0.3 * times, rel=1e-5)
    assert (error.low_e, error.high_e) == pytest.approx((0.15 * times, 0.6 * times), rel=1e-5)


def test_the_background_has_an_error_of_its_own() -> None:
    photons = two_lights(0.5, 5.0)
    answer = Denoised(photons, np.where(photons > 1, np.float32(0.3), np.float32(0.1)))
    assert Stated(manifest())(answer, cells=False).rmse_e == pytest.approx(0.1, rel=1e-5)


def test_nothing_is_said_where_nothing_was_measured_or_stated() -> None:
    photons = two_lights(0.5, 5.0)
    without = msgspec.structs.replace(manifest(), conformal={})
    assert Stated(without)(Denoised(photons, np.ones_like(photons))) == UNKNOWN
    assert not Stated(without).is_known
    assert Stated(manifest())(Denoised(photons, None)) == UNKNOWN


def rows(rng: np.random.Generator, spread: float) -> dict[str, list[Seen]]:
    stated, light = rng.uniform(0.5, 2.0, 800), np.exp2(rng.uniform(1.0, 4.0, 800))
    true = 1.3 * stated * rng.lognormal(0.0, spread, 800)
    each = [Seen(*three) for three in zip(stated, true, light, strict=True)]
    return {"cells": each, "background": each}


def test_scales_hold_four_of_five_new_images_and_not_those_of_another_kind() -> None:
    rng = np.random.default_rng(2)
    known = scales(rows(rng, 0.2))
    like, unlike = (coverage(known, rows(rng, spread)) for spread in (0.2, 0.6))
    assert {one.octave for one in like} == {1, 2, 3}
    assert all(0.74 < one.share < 0.86 for one in like)
    assert all(one.share < 0.6 for one in unlike)
    assert all(one.width == pytest.approx(2 * 1.28 * 0.2, rel=0.25) for one in like)


def test_a_specimen_is_shown_as_a_binning_camera_sees_it(monkeypatch) -> None:
    use(monkeypatch)
    net = package(task="superres", upscale=2)
    for answer, truth in fine_images(net, 4, 1):
        assert answer.photons.shape == truth.shape
        assert answer.photons.mean() == pytest.approx(truth.mean(), rel=0.15, abs=0.1)


def test_a_plane_between_is_compared_with_the_one_that_lies_there(monkeypatch) -> None:
    use(monkeypatch)
    net = package(task="axial", in_frames=2, extra_channels=("dz", "fraction"))
    for answer, truth in planes_between(net, 5, 1):
        assert answer.photons.shape == truth.shape
        likeness = np.corrcoef(answer.photons.ravel(), truth.ravel())[0, 1]
        assert likeness > 0.2 or truth.std() < 2.0


@pytest.mark.parametrize("name", ["denoise-2d", "denoise-best", "superres-fast", "axial-fast"])
def test_every_network_that_restores_is_shipped_with_a_measured_trust(name: str) -> None:
    known = Stated(Package.load(shipped(name)).manifest)
    assert known.is_known, f"measure it: python -m models.train.trust models/weights/{name}"
