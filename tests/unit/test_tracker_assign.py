"""The links are the cheapest there are, and they always come."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from realtime.tracker import assign
from realtime.tracker.assign import Pairs, cheapest_links, link_again, prices
from realtime.tracker.cells import Found
from realtime.tracker.certainty import certainty, link_odds
from realtime.tracker.links import Expected, possible_links
from realtime.tracker.middle import quantiles

FAR = 1e9


def random_pairs(n: int, m: int, seed: int, share: float = 0.5) -> Pairs:
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(rng.random((n, m)) < share)
    return Pairs(rows, columns, rng.normal(0, 4, len(rows)), rng.uniform(0, 5, n), m)


def dense(pairs: Pairs) -> NDArray[np.float64]:
    n = len(pairs.alone)
    cost = np.full((n, pairs.n_columns + n), FAR)
    cost[pairs.rows, pairs.columns] = pairs.cost
    cost[np.arange(n), pairs.n_columns + np.arange(n)] = pairs.alone
    return cost


def least(pairs: Pairs) -> float:
    cost = dense(pairs)
    return float(cost[linear_sum_assignment(cost)].sum())


def paid(pairs: Pairs, linked: NDArray[np.intp]) -> float:
    n = np.arange(len(linked))
    columns = np.where(linked >= 0, linked, pairs.n_columns + n)
    assert len(set(columns.tolist())) == len(columns)
    return float(dense(pairs)[n, columns].sum())


@settings(deadline=None, max_examples=100)
@given(n=st.integers(1, 30), m=st.integers(1, 30), seed=st.integers(0, 10**6))
def test_the_links_cost_as_little_as_the_dense_optimum(n: int, m: int, seed: int) -> None:
    pairs = random_pairs(n, m, seed)
    assert paid(pairs, cheapest_links(pairs)) == pytest.approx(least(pairs), abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 12), m=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_a_price_is_what_all_would_pay_more_without_the_detection(
    n: int, m: int, seed: int
) -> None:
    pairs = random_pairs(n, m, seed)
    linked = cheapest_links(pairs)
    _, worth = prices(pairs, linked)
    best = least(pairs)
    for column in range(m):
        left = pairs.columns != column
        fewer = replace(
            pairs, rows=pairs.rows[left], columns=pairs.columns[left], cost=pairs.cost[left]
        )
        assert -worth[column] == pytest.approx(least(fewer) - best, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_the_odds_of_a_link_are_those_of_all_ways_to_link(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = np.array([0, 0, 1]), np.array([0, 1, 1])  # a chain: no loops
    pairs = Pairs(rows, columns, rng.normal(0, 3, 3), rng.uniform(0, 3, 2), 2)
    table = dense(pairs)
    ways = [(a, b) for a in (0, 1, 2) for b in (1, 3) if a != b]
    weight = {way: float(np.exp(-table[0, way[0]] - table[1, way[1]])) for way in ways}
    linked = cheapest_links(pairs)
    odds = link_odds(pairs, linked)
    for cell in (0, 1):
        choice = int(linked[cell]) if linked[cell] >= 0 else 2 + cell
        right = sum(w for way, w in weight.items() if way[cell] == choice)
        wrong = sum(weight.values()) - right
        assert odds[cell] == pytest.approx(np.log(right / wrong), abs=1e-6)


def test_better_odds_are_more_certain() -> None:
    sure = certainty(np.array([-3.0, 0.0, 3.0, 8.0]))
    assert np.all(np.diff(sure) > 0)
    assert np.all((sure > 0) & (sure < 1))


def test_with_too_many_pairs_links_are_taken_one_by_one_and_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = random_pairs(40, 40, 1)
    best = least(pairs)
    monkeypatch.setattr(assign, "_MOST_PAIRS", 10)
    cost = paid(pairs, cheapest_links(pairs))
    assert best <= cost < float(pairs.alone.sum())


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_nobody_is_linked_to_nothing(n: int, m: int) -> None:
    pairs = random_pairs(n, m, 0)
    assert np.all(cheapest_links(pairs) == -1)
    assert np.all(prices(pairs, cheapest_links(pairs))[1] == 0)


def crowd(n: int, m: int) -> Pairs:
    rng = np.random.default_rng(0)
    expected = Expected(rng.uniform(0, 9, (n, 2)), np.ones(n), np.full(n, 50.0), np.full(n, 0.05))
    places = rng.uniform(0, 9, (m, 2))
    found = Found(places, np.ones(m), np.ones(m))
    return possible_links(expected, found, np.full(m, -9.0), lambda rows, _: np.zeros(len(rows)))


@pytest.mark.parametrize(("n", "m"), [(137, 153), (1000, 1100), (20_000, 20_000)])
def test_a_crowd_inside_one_gate_does_not_stall(n: int, m: int) -> None:
    start = time.thread_time()
    pairs = crowd(n, m)
    linked = cheapest_links(pairs)
    prices(pairs, linked)
    link_odds(pairs, linked)
    assert np.count_nonzero(linked >= 0) > 0.8 * n
    assert time.thread_time() - start < 3.0


def test_a_link_is_never_longer_than_its_own_gate() -> None:
    places = np.array([[0.0, 0.0], [0.0, 100.0]])
    expected = Expected(places, np.ones(2), np.array([5.0, 7.0]), np.full(2, 0.05))
    found = Found(np.array([[0.0, 6.0], [0.0, 106.0]]), np.ones(2), np.ones(2))
    pairs = possible_links(expected, found, np.full(2, -30.0), lambda rows, _: np.zeros(len(rows)))
    np.testing.assert_array_equal(cheapest_links(pairs), [-1, 1])


@pytest.mark.parametrize("seed", range(8))
def test_what_must_be_is_taken_first_and_the_answer_is_that_of_the_whole(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = random_pairs(60, 60, seed, 0.05)
    linked = cheapest_links(pairs)
    monkeypatch.setattr(assign, "_ROUNDS", 0)
    np.testing.assert_array_equal(cheapest_links(pairs), linked)
    monkeypatch.setattr(assign, "_SMALL", 0)
    np.testing.assert_array_equal(cheapest_links(pairs), linked)


@pytest.mark.parametrize("seed", range(8))
def test_links_that_are_mended_after_a_theft_are_those_of_the_whole_field(seed: int) -> None:
    rng, pairs = np.random.default_rng(seed), random_pairs(60, 60, seed, 0.05)
    linked = cheapest_links(pairs)
    gone = rng.choice(linked[linked >= 0], 4, replace=False)
    kept = ~np.isin(pairs.columns, gone)
    left = replace(pairs, rows=pairs.rows[kept], columns=pairs.columns[kept], cost=pairs.cost[kept])
    robbed = np.isin(linked, gone)
    mended = link_again(left, np.where(robbed, -1, linked), robbed, np.empty(0, np.intp))
    np.testing.assert_array_equal(mended, cheapest_links(left))


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_are_those_of_numpy(values: list[float], shares: list[float]) -> None:
    told = quantiles(np.array(values), *shares)
    np.testing.assert_allclose(told, np.quantile(values, shares), rtol=1e-12, atol=1e-6)
