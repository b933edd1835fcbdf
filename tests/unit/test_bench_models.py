"""The bench of the networks: its scores are right, its rivals strong, and it notices sabotage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from lightloop.bench import models_bias, models_denoise, models_transients, training
from lightloop.bench import models_rivals as rivals
from lightloop.bench import models_score as score
from lightloop.bench import models_sets as sets
from lightloop.bench.models_f1 import f1
from models.train.binned import binned


def smooth(rng: np.random.Generator, side: int = 96, sigma: float = 4.0) -> np.ndarray:
    image = ndimage.gaussian_filter(rng.standard_normal((side, side)), sigma)
    return (image - image.min()) / np.ptp(image)


def test_the_noise_of_the_reference_is_no_error_of_the_image() -> None:
    rng = np.random.default_rng(1)
    truth = 100 * smooth(rng)
    reference = truth + rng.normal(0, 3.0, truth.shape)
    image = truth + rng.normal(0, 2.0, truth.shape)
    right = score.db(image, truth)
    assert score.db(image, reference, 9.0) == pytest.approx(right, abs=0.6)
    assert score.db(image, reference) < right - 3.0


def test_gain_and_offset_cost_nothing_after_the_fit() -> None:
    rng = np.random.default_rng(2)
    truth = 100 * smooth(rng)
    image = truth + rng.normal(0, 2.0, truth.shape)
    plain = score.fitted_db(image, truth, 0.0)
    assert score.fitted_db(7 * image - 40, truth, 0.0) == pytest.approx(plain, abs=1e-6)
    assert plain == pytest.approx(score.db(image, truth), abs=0.1)


def test_images_of_one_field_count_as_one() -> None:
    rng = np.random.default_rng(3)
    by_field = rng.normal(0.0, 1.0, 12)
    each = np.repeat(by_field, 9)
    whole = score.paired(each, np.repeat(np.arange(12), 9))
    blind = score.paired(each)
    assert whole.fields == 12
    assert whole.low < 0 < whole.high or abs(whole.mean) > 0.5
    assert whole.high - whole.low > 2 * (blind.high - blind.low)
    assert whole == score.paired(by_field)


def test_ring_correlation_finds_where_detail_ends() -> None:
    rng = np.random.default_rng(4)
    truth = rng.standard_normal((128, 128))
    spectrum = np.fft.fft2(truth)
    frequency = np.hypot.outer(np.fft.fftfreq(128), np.fft.fftfreq(128))
    spectrum[frequency > 0.125] = np.fft.fft2(rng.standard_normal((128, 128)))[frequency > 0.125]
    found = score.resolved_px(*score.ring_correlation(np.fft.ifft2(spectrum).real, truth))
    assert found == pytest.approx(8.0, rel=0.15)


def test_the_oracle_finds_gain_and_read_noise() -> None:
    rng = np.random.default_rng(5)
    electrons = 5 + 60 * smooth(rng, 192)
    noisy = np.round(100 + 3.0 * (rng.poisson(electrons) + rng.normal(0, 2.0, electrons.shape)))
    gain, offset, read_e = sets.oracle_camera(noisy.astype(np.uint16), electrons)
    assert gain == pytest.approx(3.0, rel=0.1)
    at_offset = gain * read_e
    line = at_offset**2 + gain * (100 + 3 * 30.0 - offset)  # variance at 30 e-
    assert line == pytest.approx(9 * (30 + 4), rel=0.1)


def test_what_a_mean_of_few_still_has_of_noise_is_estimated() -> None:
    rng = np.random.default_rng(6)
    frames = rng.poisson(20 + 50 * smooth(rng), (8, 96, 96))
    mean, variance = sets._mean(frames)
    assert variance == pytest.approx(mean.mean() / 8, rel=0.1)
    noisy = 2.0 * rng.poisson(mean) + 7.0  # stretched otherwise than its reference
    assert sets._left_variance(noisy, mean, 8) == pytest.approx(variance, rel=0.15)


def test_the_filters_undo_the_binning_where_there_is_no_noise() -> None:
    rng = np.random.default_rng(7)
    truth = 5000 * smooth(rng, 64, 1.5)
    coarse = binned(truth)
    best: dict[str, float] = {}
    for name, image in rivals.finer(coarse, 1.5):
        best[name] = max(best.get(name, -99.0), score.db(image, truth))
    cubic = score.db(rivals.enlarged(coarse), truth)
    assert best["Richardson-Lucy"] > cubic
    assert best["Wiener"] > cubic


def test_finer_pixels_lie_where_the_light_was() -> None:
    truth = np.zeros((64, 64))
    truth[21, 34] = 4000.0
    truth = ndimage.gaussian_filter(truth, 1.5)
    best: dict[str, np.ndarray] = {}
    for name, image in rivals.finer(binned(truth), 1.5):
        if name not in best or score.db(image, truth) > score.db(best[name], truth):
            best[name] = image
    for name, image in best.items():
        middle = np.array(ndimage.center_of_mass(np.maximum(image - 0.5 * image.max(), 0.0)))
        assert middle == pytest.approx([21, 34], abs=0.3), name


def test_cubic_beats_linear_on_curves() -> None:
    t = {away: np.full((4, 4), float(away**3 + away**2 + 30)) for away in (-3, -1, 1, 3)}
    linear, cubic = rivals.between(t)
    assert cubic == pytest.approx(np.full((4, 4), 30.0))
    assert linear.mean() == pytest.approx(31.0)
    alone = rivals.between({-1: t[-1], 1: t[1]})
    assert alone[1] == pytest.approx(linear)


@pytest.mark.parametrize("late", [-0.4, 0.0, 0.3, 1.0])
def test_lag_is_found_to_a_tenth_of_a_frame(late: float) -> None:
    t = np.arange(48.0)

    def course(at: np.ndarray) -> np.ndarray:
        return np.exp(-(((at - 20) / 4) ** 2))

    assert models_transients.lag(course(t), 3 * course(t - late) + 1) == pytest.approx(
        late, abs=0.1
    )


def test_a_trace_that_is_smeared_shows_it_in_peak_and_decay() -> None:
    t = np.arange(40.0)
    true = 1 + np.where(t >= 10, np.exp(-(t - 10) / 5), 0.0)
    smeared = true.copy()
    for k in range(1, 40):
        smeared[k] = 0.5 * true[k] + 0.5 * smeared[k - 1]
    same = models_transients.follow("same", true[:, None], true[:, None], 10)
    bad = models_transients.follow("smeared", true[:, None], smeared[:, None], 10)
    assert same[1:4] == pytest.approx((0, 0, 0), abs=1e-9)
    assert bad.peak_bias < -0.4
    assert bad.decay_bias > 0.4
    assert bad.lag_frames > 0.2


def test_f1_counts_each_nucleus_once() -> None:
    true = np.array([[0.0, 0, 0], [20, 0, 0]])
    assert f1(true + 1.0, true) == 1.0
    assert f1(np.array([[0.0, 0, 0], [0.5, 0, 0]]), true) == 0.5
    assert f1(np.empty((0, 3)), true) == 0.0


def pairs_of(count: int) -> list[sets.Pair]:
    rng = np.random.default_rng(8)
    found = []
    for k in range(count):
        truth = 3 + 30 * smooth(rng, 64, 3.0)
        noisy = np.round(100 + 2 * (rng.poisson(truth) + rng.normal(0, 1.4, truth.shape)))
        camera = (2.0, 100.0, 1.4)
        found.append(sets.Pair(k, noisy.astype(np.uint16), truth, 0.0, camera, camera, True))
    return found


def test_a_blurred_network_falls_below_the_tuned_gaussian() -> None:
    pairs = pairs_of(1)
    good = models_denoise.score("fmd", pairs)
    bad = models_denoise.score("fmd", pairs, sabotage=True)
    gain, loss = (
        models_denoise.values_of([each])["models_fmd_fast_over_gaussian_db"] for each in (good, bad)
    )
    assert loss < gain - 1.0
    assert good.residuals["fast, given"][0] == pytest.approx(1.0, abs=0.1)
    assert "| fast, given |" in "\n".join(models_denoise.table_of([good]))


def test_what_a_noisy_truth_explains_is_no_bias_of_a_transient() -> None:
    sure = models_transients.Transient("a", 0.0, -0.08, 0.0, 9)
    assert sure.sure_decay_bias == pytest.approx(0.08)
    assert sure._replace(decay_noise=0.02).sure_decay_bias == pytest.approx(0.08 - 1.96 * 0.02)
    assert sure._replace(decay_noise=0.05).sure_decay_bias == 0.0


def test_the_noise_of_a_decay_is_that_of_repeated_films() -> None:
    rng = np.random.default_rng(11)
    t = np.arange(22.0)
    course = np.where(t >= models_transients.ONSET, np.exp(-(t - models_transients.ONSET) / 5), 0.0)

    def film() -> tuple[np.ndarray, np.ndarray]:
        truth = 10 * course + rng.normal(0, 0.6, (9, len(t)))
        return truth, 10 * course + rng.normal(0, 0.3, truth.shape)

    def bias(truth: np.ndarray, got: np.ndarray) -> float:
        means = truth.mean(axis=0)[:, None], got.mean(axis=0)[:, None]
        return models_transients.follow("a", *means, models_transients.ONSET).decay_bias

    spread = np.std([bias(*film()) for _ in range(40)])
    said = np.median([models_transients._decay_noise(*film()) for _ in range(3)])
    assert said == pytest.approx(spread, rel=0.4)


def test_bias_of_regions_and_of_blur_are_what_sums_say() -> None:
    bright = np.zeros((1, 64, 64))
    bright[0, :32, :32] = 8.0
    bright[0, 32:] = 0.75
    bright[0, :32, 32:] = 3.0
    within = models_bias._within(0.5, 1.0, bright)
    assert within(1.1 * bright) == pytest.approx(10.0)
    assert models_bias._regions(bright)[0].tolist() == [[8.0, 3.0], [0.75, 0.75]]
    assert np.isnan(models_bias._within(20.0, 50.0, bright)(bright))


def test_half_of_the_fields_teach_and_none_of_them_judges() -> None:
    fields = np.repeat(np.arange(30), 3)
    judged = {0, 4, 8, 12, 16, 20, 24, 29}
    teach = training.half_of(fields, judged)
    assert len(teach) == len(set(teach)) == 15
    assert not judged & set(teach)
    assert min(teach) < 5
    assert max(teach) > 24


def test_a_bias_of_few_specimens_says_how_little_it_knows() -> None:
    rng = np.random.default_rng(12)
    truth = np.full((40, 8, 8), 0.7)
    got = truth * (1.0 + rng.normal(0.05, 0.2, (40, 1, 1)))
    assert models_bias._error(0.5, 1.0, truth, got) == pytest.approx(20.0 / np.sqrt(40), rel=0.4)


def test_an_answer_that_leans_to_what_is_likely_is_right_where_it_says_so() -> None:
    rng = np.random.default_rng(13)
    truth = rng.choice([0.6, 1.4], (4, 64, 64))
    got = np.where(rng.random(truth.shape) < 0.5, truth, 1.0)  # half of the pixels say nothing
    assert models_bias._within(0.5, 0.9, truth)(got) > 20.0
    assert abs(models_bias._said(0.9, 1.1, truth, got)) < 3.0
