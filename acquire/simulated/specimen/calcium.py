"""Calcium: cells flash at random times, each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acquire.simulated.specimen.draws import Process, uniforms

if TYPE_CHECKING:
    from acquire.simulated.specimen.cells import Column
    from acquire.simulated.specimen.draws import Words

RISE = 0.1  # time constant of the rise over that of the decay; proposed, as for GCaMP6s
PER_WINDOW = 0.25  # mean flashes in one window of time ...
MOST = 3  # ... and no more than so many: one window in 7,500 would have more
SEEN_DECAYS = 8.0  # a flash older than this is over (3e-4 of it are left) ...
MOST_WINDOWS = 256  # ... and one that is so many windows old is not looked for


def activity(
    keys: Words, t_s: float, flashes_per_min: float, gain: float, decay_s: float
) -> Column:
    """Return the factor of each cell's brightness at a time, (n,); 1 at rest.

    A pure function of time: flashes are a Poisson process whose times are drawn for each window of
    time, so nothing is kept and every time can be asked for.

    Parameters
    ----------
    gain
        Extra brightness at the peak of one flash; flashes that overlap add up.
    decay_s
        Time constant of the decay, s.

    References
    ----------
    Shape of a transient, a fast rise and an exponential decay: Chen et al., Nature 499, 295 (2013),
    fig. 1, for GCaMP6. Times and amplitudes are proposed.
    """
    level = np.ones(len(keys))
    if flashes_per_min <= 0.0 or gain <= 0.0 or len(keys) == 0:
        return level
    window_s = PER_WINDOW * 60.0 / flashes_per_min
    newest = int(np.floor(t_s / window_s))
    back = min(int(np.ceil(SEEN_DECAYS * decay_s / window_s)), MOST_WINDOWS)
    # No window lies before the start: a culture wakes when the experiment begins.
    for window in range(max(newest - back, 0), newest + 1):
        draws = uniforms(keys, Process.CALCIUM, window)
        number = np.searchsorted(_POISSON, draws[:, 0], side="right")
        for flash in range(MOST):
            since_s = t_s - (window + draws[:, 1 + flash]) * window_s
            level += np.where(flash < number, gain * _transient(since_s / decay_s), 0.0)
    return level


def _transient(decays: Column) -> Column:
    """Return one flash after a time in decay constants, its peak 1."""
    since = np.maximum(decays, 0.0)
    shape: Column = np.exp(-since) * -np.expm1(-since / RISE) / _PEAK
    return shape


# The peak of exp(-s) (1 - exp(-s / r)) stands at s = r ln(1 + 1 / r).
_TOP = RISE * np.log1p(1.0 / RISE)
_PEAK = np.exp(-_TOP) * -np.expm1(-_TOP / RISE)
# Chance of at most 0, 1, 2 flashes in a window.
_POISSON = np.exp(-PER_WINDOW) * np.cumsum([1.0, PER_WINDOW, PER_WINDOW**2 / 2.0])
