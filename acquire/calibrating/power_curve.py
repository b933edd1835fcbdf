"""A light's power at the sample for each command: a table that rises, read in both directions."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from acquire.errors import CalibrationRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Table: TypeAlias = tuple[tuple[float, float], ...]

MAX_FALL = 0.03  # of the largest power: a reading that falls by more is no noise; proposed
KNOTS_BETWEEN = 3  # of the smooth curve, between two commands


class PowerCurve:
    """A table of command (the device's own units) and power at the sample (mW), with lines between.

    Above the guard's door power is a fraction of the *light* at the last command, so that policies
    and limits need not know how a device is built; here it becomes the command that gives it.

    Raises
    ------
    CalibrationRefused
        If the table does not rise, or gives no light.
    """

    def __init__(self, table: Iterable[Sequence[float]]) -> None:
        self.table = tuple((float(command), float(mw)) for command, mw in table)
        check_table(self.table)
        self._commands = [command for command, _ in self.table]
        self._mw = [mw for _, mw in self.table]

    @property
    def maximum_mw(self) -> float:
        """Power at the last command, mW."""
        return self._mw[-1]

    def mw(self, command: float) -> float:
        """Return the power of a command, mW; beyond the table, that of its ends."""
        if not math.isfinite(command):
            return math.nan
        return _between(command, self._commands, self._mw)

    def fraction(self, command: float) -> float:
        """Return the power of a command as a fraction of that of the last one."""
        return self.mw(command) / self.maximum_mw

    def command(self, fraction: float) -> float:
        """Return the command for a fraction of the light: never one that gives more.

        Where many commands give the same light, it is the last of those that give none, and the
        first of those that give all.
        """
        mw = min(max(fraction, 0.0), 1.0) * self.maximum_mw
        right = bisect_left(self._mw, mw)
        if right == 0:
            return self._commands[0]
        low, high = self._mw[right - 1], self._mw[right]
        share = (mw - low) / (high - low)
        before, after = self._commands[right - 1], self._commands[right]
        return before + share * (after - before)


def check_table(table: Table) -> None:
    """Refuse a table that cannot be read in both directions.

    Raises
    ------
    CalibrationRefused
        Says which two entries are wrong.
    """
    if len(table) < 2:
        raise CalibrationRefused(
            f"a power table needs at least 2 entries [command, mW], and has {len(table)}"
        )
    for command, mw in table:
        if not (math.isfinite(command) and 0 <= mw <= 1e5):
            raise CalibrationRefused(
                f"a power table holds commands and powers from 0 to 1e5 mW, got [{command}, {mw}]"
            )
    for (command, mw), (after, mw_after) in pairwise(table):
        if not after > command:
            raise CalibrationRefused(
                f"the commands of a power table must rise, and {after:g} comes after {command:g}"
            )
        if mw_after < mw:
            raise CalibrationRefused(
                f"a power table must be monotone, and the power falls from {mw:g} mW at {command:g}"
                f" to {mw_after:g} mW at {after:g}: take out the readings above {command:g} and set"
                " the light's maximum to it, or measure again"
            )
    if not table[-1][1] > 0:
        raise CalibrationRefused("a power table must give light at its last command, got 0 mW")


def fit_power(readings: Iterable[Sequence[float]]) -> Table:
    """Fit a rising curve to readings of command and mW, and return its table.

    Least squares among all rising sequences (isotonic regression), then a smooth curve through
    them that rises as well (PCHIP), in lines short enough to stand for it.

    Raises
    ------
    CalibrationRefused
        If the power really falls somewhere: by more than 3 % of the largest.

    References
    ----------
    Best & Chakravarti, Math. Program. 47, 425 (1990); Fritsch & Butland, SIAM J. Sci. Stat. Comput.
    5, 300 (1984). Both as in SciPy.
    """
    import numpy as np
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import isotonic_regression

    pairs = np.array([[float(command), float(mw)] for command, mw in readings]).reshape(-1, 2)
    if not np.isfinite(pairs).all():
        raise CalibrationRefused("every reading is a command and a power in mW; one is no number")
    commands, which, counts = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
    if len(commands) < 2:
        raise CalibrationRefused(f"at least 2 commands are needed, got {len(commands)}")
    mean = np.bincount(which.ravel(), pairs[:, 1]) / counts
    _check_rise(commands, mean)
    rising = np.maximum(isotonic_regression(mean, weights=counts).x, 0.0)
    between = np.linspace(0.0, 1.0, KNOTS_BETWEEN + 1, endpoint=False)
    knots = (commands[:-1, None] + np.diff(commands)[:, None] * between).ravel()
    knots = np.append(knots, commands[-1])
    smooth = np.maximum.accumulate(np.maximum(PchipInterpolator(commands, rising)(knots), 0.0))
    table = tuple(
        (float(f"{c:.6g}"), float(f"{mw:.6g}")) for c, mw in zip(knots, smooth, strict=True)
    )
    check_table(table)
    return table


def _check_rise(commands: Iterable[float], powers: Iterable[float]) -> None:
    """Refuse readings that fall by more than a meter's noise."""
    pairs = list(zip(commands, powers, strict=True))
    top = max(mw for _, mw in pairs)
    highest = pairs[0]
    for command, mw in pairs:
        if highest[1] - mw > MAX_FALL * top:
            raise CalibrationRefused(
                f"the power is not monotone: {highest[1]:.4g} mW at {highest[0]:g}, and only "
                f"{mw:.4g} mW at {command:g} (a fall of {MAX_FALL:.0%} of the largest is allowed). "
                f"Set the light's maximum to {highest[0]:g}, or see whether the meter saturates"
            )
        highest = max(highest, (command, mw), key=lambda pair: pair[1])


def _between(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    right = bisect_right(xs, x)
    if right == 0:
        return ys[0]
    if right == len(xs):
        return ys[-1]
    share = (x - xs[right - 1]) / (xs[right] - xs[right - 1])
    return ys[right - 1] + share * (ys[right] - ys[right - 1])


@lru_cache(maxsize=64)
def curve_of(table: Table) -> PowerCurve:
    """Return the curve of a table; the same table is looked at once."""
    return PowerCurve(table)
