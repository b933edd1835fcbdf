"""How long the drivers of a stand's lights need to start: who ends the light waits for them.

The keeper's own way to real light is a second core, and its drivers start anew: some laser needs
half a minute. A try that is broken off before that is no try.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquire.errors import ScopeError
from acquire.keeper.keep import TRY_S
from lightloop.rehearse.kept import load

if TYPE_CHECKING:
    from lightloop.config import RunConfig

TIMES = 2.0  # so much longer than the first time may it take: a busy computer; proposed
PATIENT = 3.0  # so much longer than the first may a second keeper try: nobody comes after it
MOST_S = 120.0  # a driver that needs longer is not waited for; proposed


def first_try_s(config: RunConfig, once_s: float = 0.0) -> float:
    """Return how long the keeper's try to switch a stand's lights off may take, s.

    While one driver hangs, the lights of the others wait for it: so it is as short as is known.

    Parameters
    ----------
    once_s
        How long the drivers took to start, where that is known beside the stand's rehearsal.
    """
    return min(MOST_S, max(TRY_S, TIMES * max(once_s, rehearsed_s(config))))


def last_try_s(first_s: float, scope_s: float) -> float:
    """Return how long the last care may try, s: one process for each light, none waits for another.

    Parameters
    ----------
    first_s
        How long the keeper's own try might take.
    scope_s
        How long the scope took to begin: it had to start the same drivers.
    """
    return min(PATIENT * MOST_S, max(PATIENT * first_s, TIMES * scope_s))


def rehearsed_s(config: RunConfig) -> float:
    """Return how long the keeper took to end a light when the stand was rehearsed; 0 if never."""
    try:
        found = load(config)
    except ScopeError:  # it cannot be read: a run says so, and begins all the same
        return 0.0
    took_ms = [line.keeper_ms for line in found.lines] if found is not None else []
    return max((ms * 1e-3 for ms in took_ms if ms is not None and math.isfinite(ms)), default=0.0)
