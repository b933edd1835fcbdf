"""Movies to learn from: they move as told, the last frame is as it was, the past may be missing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from models.train import movies, noisy
from models.train.scenes import make_scene


@pytest.fixture(scope="module")
def scenes():
    rng = np.random.default_rng(0)
    return [make_scene(rng, 96, kind) for kind in ("nuclei", "spots", "clouds")]


def path(speed: tuple[float, float], frames: int = 5) -> np.ndarray:
    return (np.arange(1 - frames, 1)[:, None] * np.array(speed)).astype(np.float32)


def test_the_last_frame_is_a_window_of_the_specimen_untouched(scenes) -> None:
    movie = movies.moved(scenes[0], (10, 20), 48, movies.Motion(path((1.3, -0.4))))
    assert np.array_equal(movie[-1], scenes[0][10:58, 20:68])


@pytest.mark.parametrize("speed", [(0.0, 0.0), (0.3, 0.0), (1.0, -2.0), (-4.0, 3.0)])
def test_things_move_by_the_stated_speed(scenes, speed) -> None:
    movie = movies.moved(scenes[2], (24, 24), 48, movies.Motion(path(speed)))
    for age in (1, 4):
        back = ndimage.shift(movie[-1 - age], (age * speed[0], age * speed[1]), order=3)
        inner = np.s_[20:-20, 20:-20]
        assert np.abs(back[inner] - movie[-1][inner]).max() < 0.05


def test_a_warp_bends_more_the_older_a_frame_is(scenes) -> None:
    warp = np.full((2, 48, 48), 0.5, np.float32)
    movie = movies.moved(scenes[2], (20, 20), 48, movies.Motion(path((0.0, 0.0)), warp))
    changes = [float(np.abs(frame - movie[-1]).mean()) for frame in movie]
    assert changes[-1] == 0
    assert all(old > new for old, new in pairwise(changes))


def test_speeds_span_still_to_six_pixels_per_frame() -> None:
    rng = np.random.default_rng(1)
    speeds = []
    for _ in range(300):
        steps = np.diff(movies.random_motion(rng, 5, 32).path_px, axis=0)
        speeds.append(float(np.median(np.hypot(*steps.T))))
    assert min(speeds) < 0.01
    assert 4.5 < max(speeds) < 8.0
    assert np.mean(np.array(speeds) < 0.3) > 0.25


def test_time_courses_lie_between_nothing_and_all() -> None:
    rng = np.random.default_rng(2)
    courses = np.array([movies.time_course(rng, 5) for _ in range(200)])
    assert courses.min() >= 0
    assert courses.max() <= 1
    assert (np.ptp(courses, axis=1) > 0.5).mean() > 0.2


def test_light_that_changes_between_frames_leaves_the_mean_as_it_is() -> None:
    """A past frame of half the light is brought to the present light; its noise stays larger."""
    rng = np.random.default_rng(3)
    photons = np.full((3, 200, 200), 40.0)
    camera = noisy.Camera(1.0, 1.0)
    images = movies.expose_movie(rng, photons, camera, np.array([0.5, 2.0, 1.0]))
    assert np.allclose(
        images.mean(axis=(1, 2)), images[-1].mean(), atol=0.07
    )  # the transform is bent
    spread = images.std(axis=(1, 2))
    assert spread == pytest.approx([np.sqrt(2), np.sqrt(0.5), 1.0], rel=0.05)


def test_the_present_light_is_the_unit() -> None:
    rng = np.random.default_rng(4)
    ratios = np.array([movies.random_ratios(rng, 5) for _ in range(200)])
    assert (ratios[:, -1] == 1).all()
    assert ratios.min() >= 0.5
    assert ratios.max() <= 2.0
    assert 0.55 < (ratios == 1).all(axis=1).mean() < 0.85


def test_missing_frames_are_the_base_image_and_the_oldest_go_first() -> None:
    rng = np.random.default_rng(5)
    base = np.full((4, 4), -1.0, np.float32)
    missing = []
    for _ in range(400):
        images = movies.forget(rng, np.ones((5, 4, 4), np.float32), base)
        is_base = (images == base).all(axis=(1, 2))
        assert not is_base[-1]
        assert (np.diff(is_base.astype(int)) <= 0).all()
        missing.append(int(is_base.sum()))
    share = np.bincount(missing, minlength=5) / len(missing)
    assert 0.15 < share[4] < 0.4
    assert share[0] > 0.5
    assert (share[1:4] > 0).all()


@pytest.mark.parametrize("frames", [1, 5])
def test_a_sample_is_noisy_frames_their_smoothed_last_and_the_clean_last(scenes, frames) -> None:
    rng = np.random.default_rng(6)
    closer = []
    for _ in range(12):
        sample = movies.movie_sample(rng, scenes, frames, 64)
        assert sample.images.shape == (frames, 64, 64)
        assert sample.base.shape == sample.clean.shape == (64, 64)
        assert sample.images.dtype == sample.base.dtype == sample.clean.dtype == np.float32
        assert np.array_equal(sample.base, noisy.smoothed(sample.images[-1]))
        error = [float(((image - sample.clean) ** 2).mean()) for image in
                 (sample.images[-1], sample.base)]  # fmt: skip
        closer.append(error[1] < error[0])
    assert np.mean(closer) > 0.7


def test_the_fast_counts_are_poisson_in_mean_variance_and_skewness() -> None:
    rng = np.random.default_rng(7)
    for mean in (0.3, 5.0, 13.0, 80.0):
        drawn = noisy.counts(rng, np.full((400, 400), mean))
        centred = drawn - mean
        assert drawn.mean() == pytest.approx(mean, rel=0.01)
        assert drawn.var() == pytest.approx(mean, rel=0.02)
        assert (centred**3).mean() / mean**1.5 == pytest.approx(mean**-0.5, abs=0.03)
        assert np.array_equal(drawn, np.round(drawn))
