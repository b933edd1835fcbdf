from __future__ import annotations

import numpy as np
import pytest

from acquire.calibration import Calibration
from models.residuals import Limits
from realtime.judging.gates import ResidualGate

CAMERA = Calibration(2.0, 100.0, 1.6)


def frame(mean_e: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A flat frame and the truth behind it, (256, 256)."""
    rng = np.random.default_rng(seed)
    noisy = rng.poisson(mean_e, (256, 256)) + rng.normal(0, CAMERA.read_noise_e, (256, 256))
    adu = np.clip(noisy * CAMERA.gain_adu_per_e + CAMERA.offset_adu, 0, 65535).astype(np.uint16)
    return adu, np.full((256, 256), mean_e, np.float32)


@pytest.mark.parametrize("mean_e", [5.0, 50.0])
def test_the_truth_is_trusted(mean_e: float) -> None:
    trust = ResidualGate(CAMERA, Limits(), 600.0)(*frame(mean_e))
    assert trust.is_trusted, trust.why
    assert trust.var_z == pytest.approx(1.0, abs=0.05)


def test_a_biased_image_is_not_trusted_and_the_reason_is_in_words() -> None:
    adu, truth = frame(20.0)
    trust = ResidualGate(CAMERA, Limits(), 600.0)(adu, truth * 1.2)
    assert not trust.is_trusted
    assert len(trust.why) > 10


def test_an_image_brighter_than_the_training_is_not_trusted_but_a_hot_pixel_is_no_reason() -> None:
    adu, truth = frame(50.0)
    gate = ResidualGate(CAMERA, Limits(), 40.0)
    assert "trained for" in gate(adu, truth).why
    gate = ResidualGate(CAMERA, Limits(invented_max=1e9, missed_share_max=1.0), 60.0)
    truth[100, 100] = 500.0
    assert gate(adu, truth).is_trusted
