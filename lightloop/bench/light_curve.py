"""From counts to curves: scores against dose with their intervals, and dose at equal score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from lightloop.bench.light_score import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lightloop.bench.light_watch import Verdict

Units: TypeAlias = NDArray[np.intp]

DRAWS = 1000
CHANCE = 95.0  # per cent, of every interval


class Score(msgspec.Struct, frozen=True):
    """A number and its 95 % interval, drawn from the quarters of all seeds' fields."""

    value: float
    low: float
    high: float


class Point(msgspec.Struct, frozen=True):
    """One way of giving light, over all seeds.

    Attributes
    ----------
    name
        Of the setting, in words.
    dose_j_cm2
        Of the whole film, mean over the seeds; `per_shot_j_cm2` is that of a shot.
    error_e, error_share
        Rms error of the restored image, photo-electrons, and relative to the rms of the true image
        above its background.
    divisions_claimed, divisions_true, divisions_unlit
        Divisions in the field, its rim included, summed over the seeds: those that were claimed,
        that really happened, and that happen in the unlit twins.
    trusted
        Share of the shots whose restored image was trusted.
    """

    name: str
    per_shot_j_cm2: float
    dose_j_cm2: float
    edge_f1: Score
    division_f1: Score
    error_e: Score
    error_share: Score
    divisions_claimed: int
    divisions_true: int
    divisions_unlit: int
    trusted: float


class Curve(msgspec.Struct, frozen=True):
    """One way of working, at several doses in ascending order."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """The counts of one setting over all seeds: their quarters side by side, (units,)."""

    links: Count
    divisions: Count
    error_e2: NDArray[np.float64]
    signal_e2: NDArray[np.float64]

    @classmethod
    def of(cls, verdicts: Sequence[Verdict]) -> Sums:
        """Put the quarters of all seeds side by side."""
        return cls(
            _joined([v.links for v in verdicts]),
            _joined([v.divisions for v in verdicts]),
            np.concatenate([v.error_e2 for v in verdicts]),
            np.concatenate([v.signal_e2 for v in verdicts]),
        )

    def edge_f1(self, units: Units) -> float:
        """Return the edge F1 over some units."""
        return self.links.f1(units)

    def division_f1(self, units: Units) -> float:
        """Return the division F1 over some units."""
        return self.divisions.f1(units)

    def error_e(self, units: Units) -> float:
        """Return the rms error of the image, photo-electrons."""
        return float(np.sqrt(self.error_e2[units].mean()))

    def error_share(self, units: Units) -> float:
        """Return that error relative to the rms of the signal."""
        return float(np.sqrt(self.error_e2[units].mean() / self.signal_e2[units].mean()))


def _joined(counts: Sequence[Count]) -> Count:
    return Count(
        np.concatenate([c.right for c in counts]),
        np.concatenate([c.true for c in counts]),
        np.concatenate([c.claimed for c in counts]),
    )


def draws(n_units: int, n_draws: int = DRAWS) -> list[Units]:
    """Return all units, and then bootstrap draws of them; always the same ones.

    References
    ----------
    Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13: percentile intervals.
    """
    rng = np.random.default_rng(n_units)
    return [np.arange(n_units), *rng.integers(0, n_units, (n_draws, n_units))]


def score(of: Callable[[Units], float], drawn: Sequence[Units]) -> Score:
    """Return a number over all units, and its percentile interval over the draws."""
    value, *others = (of(units) for units in drawn)
    return Score(value, *_interval(others))


def _interval(values: Sequence[float]) -> tuple[float, float]:
    known = np.array([v for v in values if np.isfinite(v)])
    if len(known) < 0.9 * len(values) or not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [50.0 - CHANCE / 2, 50.0 + CHANCE / 2])
    return float(low), float(high)


def dose_at(level: float, doses: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Return the least dose at which a curve reaches a level, between points in log dose.

    NaN if it never does, or if its first point is there already: then the dose is not known.
    """
    there = np.flatnonzero(scores >= level)
    if not len(there) or there[0] == 0:
        return float("nan")
    after = there[0]
    before = after - 1
    step = (level - scores[before]) / (scores[after] - scores[before])
    low, high = np.log(doses[before]), np.log(doses[after])
    return float(np.exp(low + step * (high - low)))


def dose_ratio(
    level: float,
    more: tuple[NDArray[np.float64], Sequence[Sums]],
    less: tuple[NDArray[np.float64], Sequence[Sums]],
    drawn: Sequence[Units],
) -> Score:
    """Return how many times more dose one way takes than another for the same edge F1.

    Both are drawn together: they looked at the same specimens.
    """

    def ratio(units: Units) -> float:
        needed = [
            dose_at(level, doses, np.array([s.edge_f1(units) for s in sums]))
            for doses, sums in (more, less)
        ]
        return needed[0] / needed[1]

    return score(ratio, drawn)
