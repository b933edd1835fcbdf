"""Planes to learn from: four of a stack, as simulated light or as they were taken."""

from __future__ import annotations

import numpy as np
import pytest

from models import noise
from models.train import noisy, stacks
from models.train.batch import Sample, collate

READ_E = 1.5


def ramp(planes: int, *, raw: bool = False) -> stacks.Stack:
    """A stack whose planes are even, each brighter than the one below."""
    clean = np.broadcast_to(
        np.linspace(0.1, 1.0, planes, dtype=np.float32)[:, None, None], (planes, 40, 40)
    ).copy()
    taken = np.random.default_rng(1).poisson(100.0 * clean).astype(np.float32) if raw else None
    return stacks.Stack(clean, 0.25, raw=None if taken is None else stacks.Raw(taken, READ_E))


def test_the_outer_planes_lie_as_far_out_as_the_inner_ones_lie_apart(monkeypatch) -> None:
    perfect = noisy.Camera(0.0, 0.0)
    monkeypatch.setattr(stacks.noisy, "light", lambda _, some: 100.0 * some.astype(np.float64))
    monkeypatch.setattr(stacks.noisy, "random_camera", lambda *_: perfect)
    rng, seen = np.random.default_rng(3), 0
    for _ in range(60):
        sample = stacks.axial_sample(rng, [ramp(24)], 32, outer=True)
        assert sample.images.shape == (4, 32, 32)
        lower, upper, below, above = (float(image.mean()) ** 2 for image in sample.images)
        if below == lower or above == upper:  # the nearest stands in
            continue
        step = upper - lower
        if abs(step) > 40:
            seen += 1
            assert lower - below == pytest.approx(step, rel=0.1)
            assert above - upper == pytest.approx(step, rel=0.1)
    assert seen > 3


def test_a_plane_that_was_taken_is_learnt_with_its_noise_and_without_its_bias() -> None:
    rng, errors = np.random.default_rng(4), []
    for _ in range(200):
        sample = stacks.axial_sample(rng, [ramp(24, raw=True)], 32, outer=True)
        if sample.target_variance:
            assert sample.target_variance == 1.0
            errors.append(float(sample.clean.mean() - sample.base.mean()))
    assert len(errors) > 80
    flat = stacks._as_taken(
        np.random.default_rng(5).poisson(6.0, (5, 200, 200)).astype(np.float32), 0.0, (1.0, 0.5)
    )
    wanted = float(noise.forward(6.0, 1.0, 0.0, 0.0))
    assert float(flat.clean.mean()) == pytest.approx(wanted, abs=0.02)
    assert float(flat.clean.std()) == pytest.approx(1.0, abs=0.1)


def test_a_batch_says_how_noisy_each_of_its_targets_is() -> None:
    image = np.zeros((2, 8, 8), np.float32)
    one, other = (Sample(image, image[0], image[0], (1.0, 0.5), v) for v in (0.0, 1.0))
    assert collate([one, one]).target_variance == 0.0
    known = collate([one, other]).target_variance
    assert np.asarray(known).shape == (2, 1, 1, 1)
    assert np.ravel(known).tolist() == [0.0, 1.0]


def test_no_sample_asks_for_more_than_the_network_is_told() -> None:
    rng = np.random.default_rng(6)
    flat = stacks.Stack(ramp(24).planes, 1.0)
    told = [stacks.axial_sample(rng, [flat], 32).extra[0] for _ in range(60)]
    assert max(told) <= stacks.MAX_DEPTHS_OF_FIELD
    assert min(told) >= 2.0


def test_some_clean_planes_are_magnified_alike_and_raw_ones_never(monkeypatch) -> None:
    monkeypatch.setattr(stacks, "_MAGNIFIED", 1.0)
    planes = np.tile(np.linspace(0.1, 1.0, 40, dtype=np.float32), (3, 40, 1))
    rng = np.random.default_rng(7)
    slope = float(np.diff(planes[0, 0]).mean())
    for _ in range(20):
        part = stacks._part(rng, planes, 32, may_magnify=True)
        assert part.shape == (3, 32, 32)
        assert np.ptp(part, axis=0).max() < 1e-6
        assert slope / 4.2 < float(np.diff(part[0, 10:20, 10:20]).mean()) < 1.02 * slope
        same = stacks._part(rng, planes, 32, may_magnify=False)
        np.testing.assert_allclose(np.diff(same[0], axis=1), slope, rtol=1e-3)
