"""The cell cycle on its grid of time: growth, mitosis, division, failure and death."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.photophysics import damage
from acquire.simulated.photophysics.photophysics import Photophysics
from acquire.simulated.specimen import death
from acquire.simulated.specimen.cells import Phase
from acquire.simulated.specimen.draws import Process, uniforms
from acquire.simulated.specimen.events import Fate, events_of
from acquire.simulated.specimen.shape import ANAPHASE_S, PROPHASE_S

if TYPE_CHECKING:
    from collections import deque

    from numpy.typing import NDArray

    from acquire.simulated.specimen.birth import Nursery
    from acquire.simulated.specimen.cells import Cells
    from acquire.simulated.specimen.events import Event

MAX_CELLS = 4096  # beyond it no cell enters mitosis, so that memory is bounded


def live_one_step(cells: Cells, nursery: Nursery, now_s: float, events: deque[Event]) -> Cells:
    """Bring the cells' inner state to the next grid time and return who is there then.

    Parameters
    ----------
    now_s
        That time, s.
    events
        Gets what happens.
    """
    config = nursery.config
    cells["phase_s"] += config.step_s
    _grow(cells, config.step_s)
    dies = death.take_risk(cells, config.death_per_h, config.step_s)
    Photophysics.of(config).rest(cells["bright"], cells["damage"], config.step_s)
    events.extend(events_of(Fate.DEATH, cells, dies, now_s))
    _enter(cells, dies, Phase.DYING)
    cells = _end_mitoses(cells[death.decay(cells)], nursery, now_s, events)
    _change_phases(cells)
    return cells


def _grow(cells: Cells, step_s: float) -> None:
    """Go on through interphase in place: not after a failed mitosis, nor without room."""
    grows = (cells["phase"] == Phase.INTERPHASE) & ~cells["arrested"] & ~cells["pressed"]
    pace = step_s / (cells["cycle_s"] * damage.cycle_delay(cells["damage"]))
    cells["progress"] = np.minimum(cells["progress"] + np.where(grows, pace, 0.0), 1.0)


def _end_mitoses(cells: Cells, nursery: Nursery, now_s: float, events: deque[Event]) -> Cells:
    """Divide the cells whose time in mitosis is over, or let their mitosis fail."""
    wanted_s = 60.0 * cells["patience"] * damage.mitosis_minutes(cells["damage"])
    over = (cells["phase"] == Phase.METAPHASE) & (cells["phase_s"] >= wanted_s)
    if not over.any():
        return cells
    luck = uniforms(cells["key"], Process.FATE)[:, 0]
    fails = over & (luck < damage.mitotic_failure(cells["damage"]))
    divides = over & ~fails
    events.extend(events_of(Fate.FAILED_MITOSIS, cells, fails, now_s))
    events.extend(events_of(Fate.DIVISION, cells, divides, now_s))
    _enter(cells, fails, Phase.INTERPHASE)
    cells["arrested"] |= fails
    daughters = [nursery.daughters(cells[divides], which, now_s) for which in (0, 1)]
    return np.concatenate([cells[~divides], *daughters])


def _change_phases(cells: Cells) -> None:
    """Let newborn cells begin their interphase, and ripe ones their mitosis, in place."""
    phase, age_s = cells["phase"].copy(), cells["phase_s"].copy()
    _enter(cells, (phase == Phase.ANAPHASE) & (age_s >= ANAPHASE_S), Phase.INTERPHASE)
    _enter(cells, (phase == Phase.PROPHASE) & (age_s >= PROPHASE_S), Phase.METAPHASE)
    if len(cells) < MAX_CELLS:
        ripe = (phase == Phase.INTERPHASE) & (cells["progress"] >= 1.0)
        _enter(cells, ripe & ~cells["arrested"] & ~cells["pressed"], Phase.PROPHASE)


def _enter(cells: Cells, who: NDArray[np.bool_], phase: Phase) -> None:
    cells["phase"][who] = phase
    cells["phase_s"][who] = 0.0
