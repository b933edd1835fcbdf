"""The detector on painted nuclei of known place, size and light."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.measure import label, regionprops

from realtime.detect import Detector
from realtime.detecting.config import DetectorConfig
from realtime.detections import Detections, snr_of_mean

READ_NOISE_E = 1.6


def painted(
    places: list[tuple[float, float]],
    signal_e: float | list[float] = 40.0,
    radius_px: float = 10.0,
    background_e: float = 10.0,
    shape: tuple[int, int] = (160, 200),
) -> NDArray[np.float32]:
    """Paint round nuclei with a soft rim; the mean a camera would see, without noise."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    image = np.full(shape, background_e)
    levels = signal_e if isinstance(signal_e, list) else [signal_e] * len(places)
    for (y, x), level in zip(places, levels, strict=True):
        away = np.hypot(yy - y, xx - x)
        image += level / (1 + np.exp(np.clip((away - radius_px) / 0.8, -50, 50)))
    return image.astype(np.float32)


def camera(mean_e: NDArray[np.float32], seed: int = 1) -> NDArray[np.float32]:
    """Add photon and read noise."""
    rng = np.random.default_rng(seed)
    noisy = rng.poisson(mean_e) + rng.normal(0, READ_NOISE_E, mean_e.shape)
    return noisy.astype(np.float32)


def detect(image: NDArray[np.float32], diameter_px: float = 20.0) -> Detections:
    return Detector(DetectorConfig(diameter_px=diameter_px), READ_NOISE_E)(image)


def by_place(found: Detections) -> NDArray[np.float64]:
    places = np.column_stack((found.y_px, found.x_px))
    return places[np.lexsort((places[:, 1], places[:, 0]))]


def test_every_nucleus_is_found_where_it_is_to_a_third_of_a_pixel() -> None:
    places = [(30.3, 40.8), (40.5, 150.2), (120.7, 60.1), (119.2, 160.9)]
    found = by_place(detect(camera(painted(places))))
    np.testing.assert_allclose(found, np.array(places)[[0, 1, 3, 2]], atol=0.33)


def test_light_and_size_are_those_of_the_paint() -> None:
    found = detect(painted([(80.0, 100.0)], signal_e=50.0))
    assert found.photons[0] == pytest.approx(50.0 * np.pi * 10**2, rel=0.1)
    assert found.area_px[0] == pytest.approx(np.pi * 10**2, rel=0.3)
    assert found.background_e == pytest.approx(10.0, rel=0.05)


def test_snr_is_the_camera_equation_checked_by_repeated_exposures() -> None:
    signal_e, background_e, area_px = 3.0, 5.0, 80
    rng = np.random.default_rng(0)
    lit = rng.poisson(signal_e + background_e, (4000, area_px))
    means = (lit + rng.normal(0, READ_NOISE_E, lit.shape) - background_e).mean(axis=1)
    told = snr_of_mean(np.array([signal_e]), background_e, np.array([area_px]), READ_NOISE_E)
    assert told[0] == pytest.approx(means.mean() / means.std(), rel=0.05)


def test_touching_nuclei_are_two() -> None:
    assert len(detect(camera(painted([(80.0, 80.0), (80.0, 99.0)])))) == 2


def test_a_long_nucleus_is_one() -> None:
    yy, xx = np.mgrid[:160, :200]
    inside = ((yy - 80) / 9.0) ** 2 + ((xx - 100) / 15.0) ** 2 < 1
    assert len(detect(camera((10 + 40.0 * inside).astype(np.float32)))) == 1


def test_a_dim_nucleus_beside_a_bright_one_keeps_its_size() -> None:
    found = detect(camera(painted([(80.0, 60.0), (80.0, 120.0)], signal_e=[400.0, 20.0])))
    dim = found.area_px[np.argmax(found.x_px)]
    assert dim == pytest.approx(np.pi * 10**2, rel=0.3)


def test_a_nucleus_with_a_bright_spot_is_found_whole() -> None:
    image = painted([(80.0, 100.0)]) + painted([(76.0, 96.0)], 120.0, 2.5, background_e=0.0)
    found = detect(camera(image))
    assert len(found) == 1
    assert found.area_px[0] > 0.7 * np.pi * 10**2


def test_uneven_background_is_no_nucleus() -> None:
    slope = np.linspace(0, 60, 200, dtype=np.float32)[None, :]
    found = by_place(detect(camera(painted([(50.0, 50.0), (110.0, 150.0)]) + slope)))
    np.testing.assert_allclose(found, [(50.0, 50.0), (110.0, 150.0)], atol=0.8)


@pytest.mark.parametrize("background_e", [0.0, 0.5, 10.0, 300.0])
def test_noise_passes_for_nuclei_as_often_as_is_stated_whatever_the_exposure(
    background_e: float,
) -> None:
    stated, frames = 2.0, 12
    find = Detector(DetectorConfig(false_alarms=stated), READ_NOISE_E)
    mean = np.full((256, 256), background_e, np.float32)
    counted = sum(len(find(camera(mean, seed))) for seed in range(frames))
    assert counted == pytest.approx(stated * frames, abs=3 * np.sqrt(stated * frames))


def test_by_default_hardly_any_noise_passes_for_a_nucleus() -> None:
    mean = np.full((256, 256), 5.0, np.float32)
    assert sum(len(detect(camera(mean, seed))) for seed in range(20)) <= 4  # one is expected


def test_at_low_light_false_alarms_find_more_nuclei_than_a_fixed_four_sigma_of_the_fine_image() -> (
    None
):
    """The detector before took 4 sigma of an image blurred half as wide: 8 of the matched one."""
    places = [(30.0 + 50 * r, 30.0 + 50 * c) for r in range(5) for c in range(5)]
    mean = painted(places, 1.1, background_e=2.0, shape=(260, 260))
    both = {
        name: [len(Detector(config, READ_NOISE_E)(camera(mean, seed))) for seed in range(4)]
        for name, config in (
            ("stated", DetectorConfig()),
            ("fixed", DetectorConfig(threshold_sigma=8.0)),
        )
    }
    assert min(both["stated"]) >= 20
    assert sum(both["stated"]) > 1.5 * sum(both["fixed"])


def test_stated_covariance_is_the_scatter_of_repeated_exposures() -> None:
    mean = painted([(80.3, 100.6)], signal_e=30.0)
    found = [detect(camera(mean, seed)) for seed in range(60)]
    best = [int(np.argmax(f.photons)) for f in found]
    places = [(f.y_px[i], f.x_px[i]) for f, i in zip(found, best, strict=True)]
    covariance = found[0].covariance_px2
    assert covariance is not None
    assert covariance.shape == (len(found[0]), 2, 2)
    assert np.diag(covariance[best[0]]) == pytest.approx(np.var(places, axis=0), rel=0.7)


def test_a_round_nucleus_is_round_and_a_long_one_is_as_long_as_its_axes_say() -> None:
    yy, xx = np.mgrid[:160, :200]
    inside = ((yy - 80) / 9.0) ** 2 + ((xx - 100) / 15.0) ** 2 < 1
    long = detect((10 + 40.0 * inside).astype(np.float32)).eccentricity
    round_ = detect(painted([(80.0, 100.0)])).eccentricity
    assert long is not None
    assert round_ is not None
    assert long[0] == pytest.approx(np.sqrt(1 - (9 / 15) ** 2), abs=0.06)
    assert round_[0] < 0.25


def test_the_score_falls_with_the_light() -> None:
    mean = painted([(80.0, 100.0)])
    scores = [detect(camera(mean * np.float32(light))).score for light in (0.3, 1.0, 3.0)]
    best = [float(s.max()) for s in scores if s is not None]
    assert len(best) == 3
    assert best == sorted(best)


def test_masks_have_the_shape_of_the_frame_and_a_number_for_each_nucleus() -> None:
    mean = painted([(60.0, 60.0), (100.0, 140.0)], radius_px=20.0, shape=(161, 203))
    masks = Detector(DetectorConfig(diameter_px=40.0), READ_NOISE_E).masks(camera(mean))
    assert masks.shape == mean.shape
    assert masks[60, 60] != masks[100, 140]
    assert {masks[60, 60], masks[100, 140]} == set(np.unique(masks)) - {0}


def test_a_smooth_image_without_noise_is_judged_by_the_noise_of_the_camera() -> None:
    flat = painted([(80.0, 100.0)], signal_e=0.05)
    assert len(detect(flat)) == 0


def test_small_dim_neighbours_in_a_restored_image_are_not_melted_together_by_more_blur() -> None:
    """Behind the matched filter the first trio was none at all, and the second one two."""
    places = [(80.0, 80.0), (80.0, 94.0), (40.0, 150.0)]
    for signal_e in (0.5, 0.8):
        restored = painted(places, signal_e, radius_px=6.0, background_e=0.3)
        found = detect(restored)
        order = np.argsort(found.x_px)
        np.testing.assert_allclose(found.y_px[order], [80.0, 80.0, 40.0], atol=1.5)
        np.testing.assert_allclose(found.x_px[order], [80.0, 94.0, 150.0], atol=1.5)


@pytest.mark.parametrize("background_e", [0.4, 5.0])
def test_noise_behind_the_shipped_network_passes_no_more_often_than_stated(
    background_e: float,
) -> None:
    from lightloop.build.pipeline import load_package
    from models.denoise import Denoiser

    stated, frames = 2.0, 6
    find = Detector(DetectorConfig(false_alarms=stated), READ_NOISE_E)
    denoise = Denoiser(load_package("denoise-2d"), (256, 256), 2.0, 100.0, READ_NOISE_E)
    mean = np.full((256, 256), background_e, np.float32)
    try:
        counted = sum(
            len(find(denoise(np.rint(100 + 2 * camera(mean, seed)).astype(np.uint16)).photons))
            for seed in range(frames)
        )
    finally:
        denoise.close()
    assert counted <= stated * frames + 2 * np.sqrt(stated * frames)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (17, 512), (161, 203)])
def test_any_shape_of_image_is_taken(shape: tuple[int, int]) -> None:
    found = detect(np.ones(shape, np.float32))
    assert len(found) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_pixel_hides_nothing_and_gives_no_broken_number(bad: float) -> None:
    image = camera(painted([(80.0, 100.0)]))
    image[20, 20] = bad
    found = detect(image)
    assert len(found) == 1
    for column in (found.y_px, found.x_px, found.area_px, found.photons, found.snr):
        assert np.isfinite(column).all()


def test_the_image_is_left_as_it_was_and_the_answer_is_repeated() -> None:
    image = camera(painted([(80.0, 60.0), (90.0, 130.0)]))
    image.flags.writeable = False
    first, again = detect(image), detect(image)
    for name in ("y_px", "x_px", "area_px", "photons", "signal_e", "snr"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_more_light_gives_more_snr() -> None:
    mean = painted([(80.0, 100.0)])
    snr = [detect(camera(mean * np.float32(light))).snr.max() for light in (0.3, 1.0, 3.0)]
    assert snr == sorted(snr)


@pytest.mark.parametrize("diameter_px", [6.0, 20.0, 60.0])
def test_nuclei_of_any_size_agree_with_labels_of_the_truth(diameter_px: float) -> None:
    rng = np.random.default_rng(3)
    side = int(12 * diameter_px)
    grid = [(r, c) for r in range(4) for c in range(4)]
    jitter = rng.uniform(-0.2, 0.2, (16, 2))
    places = [
        (diameter_px * (1.8 + 2.8 * r + a), diameter_px * (1.8 + 2.8 * c + b))
        for (r, c), (a, b) in zip(grid, jitter, strict=True)
    ]
    mean = painted(places, 60.0, diameter_px / 2, shape=(side, side))
    truth = [p.centroid for p in regionprops(label(mean > 40.0))]
    found = by_place(detect(camera(mean), diameter_px))
    assert len(found) == len(truth) == 16
    away = np.hypot(*(found[:, None] - np.array(truth)[None]).transpose(2, 0, 1))
    assert away.min(axis=1).max() < 0.06 * diameter_px
