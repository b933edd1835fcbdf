"""One way of working over all its settings: from films to a curve, and to numbers for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lightloop.bench.light_curve import Curve, Point, Sums, score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lightloop.bench.light_curve import Score, Units
    from lightloop.bench.light_watch import Watched


DIVISIONS = ("divisions_claimed", "divisions_true", "divisions_unlit")


class Way(NamedTuple):
    """One way of working: its films, and which eyes' verdicts count for links and for images."""

    name: str
    settings: list[str]
    films: list[list[Watched]]
    which: tuple[int, int]
    shots: int

    @property
    def course(self) -> tuple[NDArray[np.float64], list[Sums]]:
        """Doses of the films, J/cm2, and the counts behind their scores."""
        doses = [float(np.mean([w.bill.metered_j_cm2 for w in films])) for films in self.films]
        return np.array(doses), [self._sums(films) for films in self.films]

    def _sums(self, films: list[Watched]) -> Sums:
        links = Sums.of([watched.verdicts[self.which[0]] for watched in films])
        images = Sums.of([watched.verdicts[self.which[1]] for watched in films])
        return Sums(links.links, links.divisions, images.error_e2, images.signal_e2)

    def curve(self, n_unlit: int, drawn: Sequence[Units]) -> Curve:
        """Return scores and intervals against dose."""
        points = []
        for setting, films, dose, sums in zip(self.settings, self.films, *self.course, strict=True):
            points.append(
                Point(
                    setting,
                    dose / self.shots,
                    dose,
                    score(sums.edge_f1, drawn),
                    score(sums.division_f1, drawn),
                    score(sums.error_e, drawn),
                    score(sums.error_share, drawn),
                    sum(w.verdicts[self.which[0]].n_claimed for w in films),
                    sum(w.n_divisions for w in films),
                    n_unlit,
                    float(np.mean([w.verdicts[self.which[0]].trusted for w in films])),
                )
            )
        return Curve(self.name, tuple(sorted(points, key=lambda p: p.dose_j_cm2)))


def samples(curves: Sequence[Curve], ratios: Mapping[str, Score]) -> dict[str, list[float]]:
    """Return every number of the curves, by way and kind: value, low and high where it has them."""
    numbers: dict[str, list[float]] = {}
    for curve in curves:
        for kind in ("edge_f1", "division_f1", "error_e", "error_share"):
            for part in ("value", "low", "high"):
                key = f"{curve.name} {kind} {part}"
                numbers[key] = [getattr(getattr(p, kind), part) for p in curve.points]
        for kind in ("dose_j_cm2", "trusted", *DIVISIONS):
            numbers[f"{curve.name} {kind}"] = [float(getattr(p, kind)) for p in curve.points]
    for name, ratio in ratios.items():
        numbers[f"dose ratio {name}"] = [ratio.value, ratio.low, ratio.high]
    return numbers
