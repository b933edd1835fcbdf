"""The walk of the cells against the theory of persistent random walks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from acquire.simulated.specimen.cells import Cells, cell_dtype
from acquire.simulated.specimen.draws import root_keys
from acquire.simulated.specimen.motion import Walk

SPEED_UM_S = 18.0 / 3600.0
PERSISTENCE_S = 1200.0


def fuerth(t_s: float, speed_um_s: float = SPEED_UM_S, tau_s: float = PERSISTENCE_S) -> float:
    """Return the mean square displacement of a persistent walk (Fuerth, Z. Phys. 2, 244 (1920))."""
    return 2.0 * (speed_um_s * tau_s) ** 2 * (t_s / tau_s - 1.0 + np.exp(-t_s / tau_s))


def crowd(walk: Walk, n: int = 4000) -> Cells:
    cells = np.zeros(n, cell_dtype())
    cells["key"] = root_keys(11, n)
    walk.start(cells)
    return cells


def walked(walk: Walk, steps: int, cells: Cells | None = None) -> NDArray[np.float64]:
    cells = crowd(walk) if cells is None else cells
    for step in range(steps):
        walk.go(cells, step, np.ones(len(cells)))
    return cells["xyz_um"]


@pytest.mark.parametrize("step_s", [1.0, 60.0, 1200.0, 6000.0])
@pytest.mark.parametrize("steps", [1, 4, 20])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_mean_square_displacement_is_that_of_theory_however_long_the_step(
    step_s: float, steps: int, dimensions: int
) -> None:
    walk = Walk.of(SPEED_UM_S, PERSISTENCE_S, step_s, dimensions)
    squared = (walked(walk, steps) ** 2).sum(axis=1)
    # The square of a Gaussian displacement has a relative spread of sqrt(2 / d).
    error = 4.0 * np.sqrt(2.0 / dimensions / len(squared))
    assert squared.mean() == pytest.approx(fuerth(steps * step_s), rel=error)


def test_no_direction_is_preferred_and_a_flat_specimen_stays_flat() -> None:
    place = walked(Walk.of(SPEED_UM_S, PERSISTENCE_S, 60.0, 2), 50)
    error = 4.0 * np.sqrt(fuerth(3000.0) / 2.0 / len(place))
    assert np.abs(place[:, :2].mean(axis=0)).max() < error
    assert not place[:, 2].any()


def test_speed_stays_what_it_was_and_direction_is_forgotten_as_theory_says() -> None:
    walk = Walk.of(SPEED_UM_S, PERSISTENCE_S, 60.0, 2)
    cells = crowd(walk)
    first = cells["v_um_s"].copy()
    walked(walk, 20, cells)
    now = cells["v_um_s"]
    assert (now**2).sum(axis=1).mean() == pytest.approx(SPEED_UM_S**2, rel=0.07)
    kept = (now * first).sum(axis=1).mean() / SPEED_UM_S**2
    assert kept == pytest.approx(np.exp(-1.0), abs=0.06)


def test_one_long_step_and_many_short_ones_are_the_same_walk() -> None:
    ends = [walked(Walk.of(SPEED_UM_S, PERSISTENCE_S, 600.0 / n, 2), n) for n in (1, 10)]
    spread = [end[:, :2].std() for end in ends]
    assert spread[0] == pytest.approx(spread[1], rel=0.05)


def test_a_very_short_step_loses_nothing_in_rounding() -> None:
    walks = [Walk.of(SPEED_UM_S, PERSISTENCE_S, PERSISTENCE_S * a, 2) for a in (0.0099, 0.0101)]
    assert walks[1].jump_um == pytest.approx(walks[0].jump_um * (0.0101 / 0.0099) ** 1.5, rel=1e-3)
    assert Walk.of(SPEED_UM_S, 60_000.0, 0.1, 2).jump_um > 0.0


def test_a_cell_without_motility_stands_still_and_goes_on_as_its_twin_would() -> None:
    walk = Walk.of(SPEED_UM_S, PERSISTENCE_S, 60.0, 2)
    still, free = crowd(walk, 10), crowd(walk, 10)
    walk.go(still, 0, np.zeros(10))
    walk.go(free, 0, np.ones(10))
    assert not still["xyz_um"].any()
    assert np.array_equal(still["v_um_s"], free["v_um_s"])


def test_a_specimen_without_speed_does_not_move() -> None:
    assert not walked(Walk.of(0.0, PERSISTENCE_S, 60.0, 3), 3).any()
