"""Contact without overlap, and what of it is independent between cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from acquire.simulated.specimen.contact import Bodies, keep_apart, nearest_um

FAR = np.full(3, 1e6)


def bodies(
    xyz_um: NDArray[np.float64], seed: int = 0, half_um: NDArray[np.float64] = FAR
) -> Bodies:
    rng = np.random.default_rng(seed)
    n = len(xyz_um)
    radius = rng.uniform(3.0, 4.6, n)
    stretch = np.sqrt(rng.uniform(1.05, 1.5, n))
    axes = np.stack([radius * stretch, radius / stretch, 0.6 * radius], axis=1)
    keys = rng.permutation(n).astype(np.uint64) + np.uint64(10)
    return Bodies(keys, xyz_um.copy(), axes, rng.uniform(0, np.pi, n), half_um, 6.0)


def flat(n: int, side_um: float, seed: int = 1) -> NDArray[np.float64]:
    xyz = np.random.default_rng(seed).uniform(-side_um / 2, side_um / 2, (n, 3))
    xyz[:, 2] = 0.0
    return xyz


def times_covered(who: Bodies, pixel_um: float = 0.25) -> NDArray[np.int64]:
    """Paint all ellipses on a grid and return how often each pixel was painted."""
    reach = np.abs(who.xyz_um[:, :2]).max() + 10.0
    span = np.arange(-reach, reach, pixel_um)
    x, y = np.meshgrid(span, span)
    total = np.zeros(x.shape, np.int64)
    for (cx, cy, _), (a, b, _), angle in zip(who.xyz_um, who.axes_um, who.angle, strict=True):
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        total += (along / a) ** 2 + (across / b) ** 2 < 1.0
    return total


def test_nuclei_that_lay_on_each_other_do_not_overlap_afterwards() -> None:
    who = bodies(flat(40, 75.0))
    assert (times_covered(who) > 1).mean() > 0.01
    assert not keep_apart(who, looks=50).any()
    assert times_covered(who).max() == 1


def test_balls_in_three_dimensions_do_not_overlap_either() -> None:
    xyz = np.random.default_rng(2).uniform(-15, 15, (40, 3))
    who = bodies(xyz)
    who.axes_um[:] = 4.0
    keep_apart(who, looks=50)
    distance = nearest_um(who.xyz_um, 100.0)
    assert distance.min() >= 8.0


def test_pushing_moves_nothing_in_all() -> None:
    who = bodies(flat(30, 40.0))
    before = who.xyz_um.mean(axis=0)
    keep_apart(who)
    assert who.xyz_um.mean(axis=0) == pytest.approx(before, abs=1e-9)


def test_who_has_room_is_not_moved() -> None:
    xyz = flat(2, 10.0)
    xyz[1, 0] = xyz[0, 0] + 200.0
    who = bodies(xyz)
    assert not keep_apart(who).any()
    assert np.array_equal(who.xyz_um, xyz)


def test_a_crowd_that_cannot_get_out_is_pressed() -> None:
    half = np.array([12.0, 12.0, 0.0])
    who = bodies(np.clip(flat(30, 24.0), -half, half), half_um=half)
    assert keep_apart(who).mean() > 0.9
    assert (np.abs(who.xyz_um) <= half).all()


def test_what_happens_elsewhere_changes_no_bit_here() -> None:
    """Two crowds far from each other: the second is the same with and without the first."""
    here, there = flat(25, 30.0, 3), flat(35, 30.0, 4)
    there[:, 0] += 500.0
    together = bodies(np.concatenate([there, here]))
    alone = Bodies(
        together.keys[35:].copy(),
        together.xyz_um[35:].copy(),
        together.axes_um[35:],
        together.angle[35:],
        FAR,
        6.0,
    )
    pressed = keep_apart(together)
    assert np.array_equal(keep_apart(alone), pressed[35:])
    assert np.array_equal(alone.xyz_um, together.xyz_um[35:])


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**31), st.floats(5.0, 80.0))
def test_the_order_of_the_rows_does_not_matter(n: int, seed: int, side_um: float) -> None:
    one = bodies(flat(n, side_um, seed), seed)
    order = np.random.default_rng(seed).permutation(n)
    other = Bodies(
        one.keys[order], one.xyz_um[order], one.axes_um[order], one.angle[order], FAR, 6.0
    )
    keep_apart(one)
    keep_apart(other)
    assert np.array_equal(one.xyz_um[order], other.xyz_um)


def test_the_distance_to_the_next_cell_has_a_limit() -> None:
    line = np.array([[0.0, 0, 0], [3.0, 0, 0], [50.0, 0, 0]])
    assert nearest_um(line, 20.0).tolist() == [3.0, 3.0, 20.0]
    assert nearest_um(line[:1], 20.0).tolist() == [20.0]
    assert nearest_um(line[:0], 20.0).tolist() == []
