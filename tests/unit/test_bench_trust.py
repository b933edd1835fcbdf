"""The bench of trust: its frames hold the faults that they claim, and it notices sabotage."""

from __future__ import annotations

import numpy as np
import pytest

from lightloop.bench import trust, trust_frames, trust_score
from lightloop.bench.trust_focus import depth_of_field_um
from models.train import trust as known


def points(rng: np.random.Generator, spread: float) -> dict[str, list[trust.Point]]:
    stated = rng.uniform(0.5, 2.0, 400)
    true = stated * rng.lognormal(0.0, spread, 400)
    half = 1.2816 * 0.1
    each = [
        trust.Point(known.Seen(s, t, 3.0), s * np.exp(-half), s * np.exp(half))
        for s, t in zip(stated, true, strict=True)
    ]
    return {"cells": each, "background": each}


def test_an_honest_interval_meets_the_bar_and_a_boast_does_not() -> None:
    rng = np.random.default_rng(1)
    honest, rows = trust._coverage(points(rng, 0.1), 100, sabotage=False)
    boast, _ = trust._coverage(points(rng, 0.2), 100, sabotage=False)
    halved, _ = trust._coverage(points(rng, 0.1), 100, sabotage=True)
    assert honest["trust_coverage_off"] <= 0.05
    assert boast["trust_coverage_off"] > 0.05
    assert halved["trust_coverage_off"] > 0.5
    assert [row[:2] for row in rows] == [("cells", 1), ("background", 1)]


def test_octaves_with_few_frames_are_not_judged() -> None:
    values, _ = trust._coverage(points(np.random.default_rng(1), 0.1), 1_000, sabotage=False)
    assert values["trust_octaves"] == 0
    assert values["trust_coverage_off"] == 1.0


class TruthTeller:
    """Stands for the network: knows the scene that was drawn last."""

    def __call__(self, adu: np.ndarray, camera: int) -> object:
        electrons = ((adu - known.OFFSET_ADU) / known.GAIN_ADU_PER_E).astype(np.float32)
        return trust_frames.Denoised(electrons, np.ones_like(electrons))


@pytest.mark.parametrize("name", ["planted", "erased"])
def test_a_spot_has_the_size_that_it_claims(name: str) -> None:
    rng = np.random.default_rng(4)
    scene = known.Known(np.full((96, 96), 2.0), 1)
    shown = trust_score.FAULTS[name].frames(rng, scene, TruthTeller())  # type: ignore[arg-type]
    differences = []
    for _ in range(40):
        adu, answer = next(shown)
        electrons = (adu - known.OFFSET_ADU) / known.GAIN_ADU_PER_E
        differences.append(answer.photons - electrons)
    mean = np.mean(differences, axis=0) * (1 if name == "planted" else -1)
    assert mean.max() == pytest.approx(trust_frames.SPOT_E, abs=1.6)
    assert mean.sum() == pytest.approx(7 * 2 * np.pi * 1.5**2, rel=0.1)


def test_the_depth_of_field_is_that_of_the_textbook() -> None:
    assert depth_of_field_um(510.0, 0.75, 0.325) == pytest.approx(1.34, abs=0.01)


def test_every_pattern_lies_between_dark_and_light() -> None:
    rng = np.random.default_rng(2)
    for pattern in trust_frames.PATTERNS:
        image = pattern(rng, 96)
        assert image.shape == (96, 96)
        assert image.min() >= 0
        assert 0.4 < image.max() <= 1.0
