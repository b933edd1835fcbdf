"""The stated error of a network, scaled on known frames, holds the true one as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from models.conformal import UNKNOWN, Conformal, fit, fit_from_pairs, octave, squared_error


def frames(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stated and true error and light of frames; their ratio goes with the light."""
    mean_e = 2.0 ** rng.uniform(0, 6, n)
    stated = rng.uniform(0.2, 3.0, n)
    true = stated * (1.3 - 0.05 * np.log2(mean_e)) * rng.lognormal(0.0, 0.12, n)
    return stated, true, mean_e


def test_the_interval_holds_the_true_error_of_four_out_of_five_new_frames() -> None:
    rng = np.random.default_rng(1)
    scales = fit("cells", *frames(rng, 3_000)) | fit("background", *frames(rng, 3_000))
    expect = Conformal(scales)
    assert expect.is_known
    told = [(expect(s, m, cells=True), t) for s, t, m in zip(*frames(rng, 3_000), strict=True)]
    inside = np.mean([e.low_e <= true <= e.high_e for e, true in told])
    assert inside == pytest.approx(0.8, abs=0.03)
    assert np.median([e.rmse_e / true for e, true in told]) == pytest.approx(1.0, abs=0.02)


def test_a_second_noisy_frame_gives_the_same_scales_as_the_truth() -> None:
    rng, pixels = np.random.default_rng(2), 4_000
    stated, true, mean_e = frames(rng, 3_000)
    chance = mean_e * np.sqrt(2 / pixels)  # of a squared error at this light: the noise's variance
    squared = true**2 + chance * rng.standard_normal(len(true))
    by_truth = fit("cells", stated, true, mean_e)
    by_pairs = fit_from_pairs("cells", stated, squared, chance, mean_e)
    keys = [key for key in by_truth if key.split(".")[1] in ("0", "1", "2")]
    assert len(keys) == 9
    for key in keys:
        assert by_pairs[key] == pytest.approx(by_truth[key], rel=0.06), key


def test_the_squared_error_against_a_noisy_frame_has_the_true_one_as_its_mean() -> None:
    rng, read_e = np.random.default_rng(3), 1.6
    truth = rng.uniform(0.1, 40.0, (400, 400))
    estimate = truth + rng.normal(0.3, 1.0, truth.shape)
    again = rng.poisson(truth) + read_e * rng.standard_normal(truth.shape)
    found = squared_error(estimate, again, read_e)
    error = found.std() / np.sqrt(found.size)
    assert abs(found.mean() - np.mean((estimate - truth) ** 2)) < 4 * error


def test_what_has_no_scale_is_not_known() -> None:
    assert not Conformal({}).is_known
    assert Conformal({})(1.0, 5.0, cells=True) == UNKNOWN
    scales = {f"cells.3.{part}": 1.0 for part in ("low", "middle", "high")}
    assert Conformal(scales)(float("nan"), 5.0, cells=True) == UNKNOWN
    assert Conformal(scales)(2.0, 5.0, cells=True).rmse_e == 2.0


@pytest.mark.parametrize(("mean_e", "wanted"), [(0.0, -5), (1.0, 0), (7.9, 2), (8.0, 3), (1e9, 9)])
def test_octaves_are_powers_of_two_within_bounds(mean_e: float, wanted: int) -> None:
    assert octave(mean_e) == wanted


def test_an_octave_with_few_frames_gets_no_scale_of_its_own() -> None:
    few = np.full(10, 3.0)
    assert fit("cells", few, few, few) == {}
