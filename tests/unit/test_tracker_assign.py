"""The links are the cheapest there are, and they always come."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from realtime.tracker.assign import gated_lap


def cost_of(
    expected: NDArray[np.float64], found: NDArray[np.float64], gates: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the cost of our links, and of the dense optimum."""
    n, m = len(expected), len(found)
    away = np.hypot(*(expected[:, None] - found[None]).transpose(2, 0, 1)) / gates[:, None]
    dense = np.full((n, m + n), 1e9)
    dense[:, :m] = np.where(away <= 1, away**2, 1e9)
    dense[np.arange(n), m + np.arange(n)] = 1.0
    best = float(dense[linear_sum_assignment(dense)].sum())
    pairs = gated_lap(expected, found, gates)
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)
    ours = float(dense[pairs[:, 0], pairs[:, 1]].sum()) + n - len(pairs)
    return ours, best


@settings(deadline=None, max_examples=100)
@given(
    n=st.integers(1, 40), m=st.integers(1, 40), seed=st.integers(0, 10**6), side=st.floats(5, 200)
)
def test_the_links_cost_as_little_as_the_dense_optimum(
    n: int, m: int, seed: int, side: float
) -> None:
    rng = np.random.default_rng(seed)
    gates = rng.uniform(3, 30, n)
    ours, best = cost_of(rng.uniform(0, side, (n, 2)), rng.uniform(0, side, (m, 2)), gates)
    assert ours == pytest.approx(best, abs=1e-3)


def test_a_cell_at_rest_stays_linked() -> None:
    places = np.array([[5.0, 5.0], [50.0, 50.0]])
    pairs = gated_lap(places, places, np.full(2, 10.0))
    np.testing.assert_array_equal(pairs, [[0, 0], [1, 1]])


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_nobody_is_linked_to_nothing(n: int, m: int) -> None:
    assert gated_lap(np.zeros((n, 2)), np.zeros((m, 2)), np.ones(n)).shape == (0, 2)


def test_places_that_are_the_same_are_shared_out() -> None:
    same = np.zeros((3, 2))
    assert len(gated_lap(same, same, np.ones(3))) == 3


def test_a_link_is_never_longer_than_its_own_gate() -> None:
    expected = np.array([[0.0, 0.0], [0.0, 100.0]])
    found = np.array([[0.0, 6.0], [0.0, 106.0]])
    np.testing.assert_array_equal(gated_lap(expected, found, np.array([5.0, 7.0])), [[1, 1]])


def test_a_long_missed_cell_does_not_take_the_detection_of_a_cell_that_is_nearer() -> None:
    expected = np.array([[0.0, 0.0], [0.0, 4.0]])
    pairs = gated_lap(expected, np.array([[0.0, 3.0]]), np.array([15.0, 10.0]))
    np.testing.assert_array_equal(pairs, [[1, 0]])


@pytest.mark.parametrize(("n", "m"), [(137, 153), (400, 440)])
def test_a_crowd_inside_one_gate_does_not_stall(n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    start = time.thread_time()
    pairs = gated_lap(rng.uniform(0, 9, (n, 2)), rng.uniform(0, 9, (m, 2)), np.full(n, 50.0))
    assert len(pairs) == n
    assert time.thread_time() - start < 1.0
