"""Textures: what training scenes look like, and what is far from them."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import ModelError
from models.package import Package, shipped
from models.train.scenes import make_scene
from models.type_shift import COUNT, _half_waves, features, fit, load_types

READ_E = 1.6


def scene(seed: int) -> np.ndarray:
    return (1 + 50 * np.maximum(make_scene(np.random.default_rng(seed), 128), 0)).astype(np.float32)


def stripes(period: float) -> np.ndarray:
    y, x = np.mgrid[:128, :128]
    return (1 + 25 * (1 + np.sin(2 * np.pi * (x + 0.3 * y) / period))).astype(np.float32)


def test_a_grating_is_far_from_every_training_scene_and_new_scenes_are_not() -> None:
    learnt = fit(np.array([features(scene(n), READ_E) for n in range(150)]))
    new = [learnt.distance(features(scene(n), READ_E)) for n in range(1000, 1030)]
    assert np.median(new) < learnt.far
    assert np.mean(np.array(new) > learnt.far) < 0.15
    for period in (5.0, 8.0, 12.0):
        assert learnt.distance(features(stripes(period), READ_E)) > 1.2 * learnt.far


def test_the_textures_hardly_change_with_a_turn_or_a_mirror() -> None:
    image = scene(3)
    there = features(image, READ_E)
    for other in (np.rot90(image), image[:, ::-1]):
        np.testing.assert_allclose(features(np.ascontiguousarray(other), READ_E), there, atol=0.6)


def test_waves_that_nobody_asks_for_are_left_out_and_the_others_are_the_same() -> None:
    square = np.random.default_rng(3).normal(size=(200, 256)).astype(np.float32)
    assert _half_waves(square).tobytes() == np.fft.rfft2(square)[:, : 256 // 4].tobytes()


def test_an_even_image_has_no_texture() -> None:
    assert features(np.full((128, 128), 5.0, np.float32), READ_E) is None


def test_the_image_is_left_as_it_was() -> None:
    image = scene(4)
    before = image.copy()
    features(image, READ_E)
    np.testing.assert_array_equal(image, before)


def test_the_shipped_package_says_what_it_learnt_from() -> None:
    types = load_types(Package.load(shipped("denoise-2d")))
    assert types is not None
    assert types.mean.shape == (COUNT,)


def test_a_reference_of_other_numbers_is_refused_with_the_cure() -> None:
    package = Package.load(shipped("denoise-2d"))

    class Other(Package):
        def arrays(self, name: str) -> dict[str, np.ndarray]:
            return {"mean": np.zeros(3), "whiten": np.eye(3), "far": np.float64(1.0)}

    with pytest.raises(ModelError, match="fit it again"):
        load_types(Other(package.folder, package.manifest))
