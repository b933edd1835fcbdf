"""Batches that are drawn once."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import ModelError
from models.train.batch import Batch
from models.train.pool import Pool


def batch(step: int) -> Batch:
    planes = np.random.default_rng(step).normal(size=(2, 3, 8, 8)).astype(np.float32)
    return Batch(planes, planes[:, :1], planes[:, 1:2], 1.0 if step == 2 else 0.0)


def kinds(images: np.ndarray) -> set[bytes]:
    """All that an image can become by turning and mirroring."""
    turned = [np.rot90(images, k, (-2, -1)) for k in range(4)]
    return {np.ascontiguousarray(t).tobytes() for t in turned + [t[..., ::-1] for t in turned]}


def test_the_first_round_is_in_order_and_later_ones_hold_the_same(tmp_path) -> None:
    pool = Pool(batch, 4, 7)
    of_batch = [kinds(batch(step).base) for step in range(1, 5)]
    first = [pool(step) for step in range(1, 5)]
    assert all(one.base.tobytes() in kind for one, kind in zip(first, of_batch, strict=True))
    later = [pool(step).base.tobytes() for step in range(9, 13)]
    assert sorted(next(n for n, kind in enumerate(of_batch) if b in kind) for b in later) == [
        0, 1, 2, 3,
    ]  # fmt: skip
    assert pool(11).base.tobytes() == pool(11).base.tobytes()


def test_all_images_of_an_example_are_turned_alike() -> None:
    pool = Pool(batch, 2, 7)
    for step in range(1, 20):
        one = pool(step)
        np.testing.assert_allclose(one.planes[:, :1], one.base, atol=5e-3)
        np.testing.assert_allclose(one.planes[:, 1:2], one.target, atol=5e-3)


def test_noise_of_the_target_is_kept() -> None:
    pool = Pool(batch, 2, 7)
    assert np.ravel(pool(1).target_variance).tolist() == [0.0, 0.0]
    assert np.ravel(pool(2).target_variance).tolist() == [1.0, 1.0]


def test_what_is_kept_in_a_folder_is_found_again(tmp_path) -> None:
    first = Pool(batch, 3, 7, tmp_path / "pool")

    def nobody(_: int) -> Batch:
        raise AssertionError("drawn again")

    again = Pool(nobody, 3, 7, tmp_path / "pool")
    for step in (1, 2, 3, 4, 8):
        np.testing.assert_array_equal(first(step).planes, again(step).planes)
    with pytest.raises(ModelError, match="holds 3 batches, not 5: delete it"):
        Pool(nobody, 5, 7, tmp_path / "pool")
