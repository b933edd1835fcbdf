"""The light of the first shots, before any cell was followed for long enough.

A run begins in the light that an operator is used to, often a hundred times what the cells need,
and a cell is believed only when it was followed for some shots. To raise light that long is waited
for. To lower it nobody has to wait: what stands out of the first image far above the target does so
whoever it is, and the photon model says how much of it would do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from realtime.policy.photon_model import light_factor

if TYPE_CHECKING:
    from realtime.policy.observation import Observation

FEWEST = 3
"""Things that must be seen before light is lowered for them: one alone may be dirt (proposed)."""
MARGIN = 1.25
"""Times the target's SNR that is kept until cells are believed (proposed)."""
CLEAR = 8.0
"""SNR that is kept in any case: who is not found is never believed (proposed)."""


def enough(seen: Observation, target_snr: float, read_noise_e: float) -> float:
    """Return the share of its light with which a first shot would do; 1 if it tells nothing."""
    numbers = (seen.found_snr, seen.found_signal_e, seen.background_e)
    is_told = seen.trust.is_trusted and seen.n_found >= FEWEST
    if not is_told or not all(map(math.isfinite, numbers)) or min(numbers[:2]) <= 0:
        return 1.0
    wanted = max(MARGIN * target_snr, CLEAR)
    return min(light_factor(wanted, *numbers, read_noise_e), 1.0)
