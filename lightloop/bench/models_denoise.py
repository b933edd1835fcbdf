"""Networks, filters and BM3D on the recorded pairs, all from the same noisy images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lightloop.bench import models_rivals as rivals
from lightloop.bench.models_nets import denoisers, restore
from lightloop.bench.models_score import Interval, fitted_db, paired
from models.residuals import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lightloop.bench.models_sets import Pair

    Values = NDArray[np.float64]

BM3D = "VST + BM3D"
GIVEN, ORACLE = "given", "oracle"


class Scores:
    """Decibels of every method on every image of a set, and what the residuals say."""

    def __init__(self, name: str, pairs: list[Pair]) -> None:
        self.name, self.pairs = name, pairs
        self.fields = np.array([pair.field for pair in pairs])
        self.db: dict[str, Values] = {}
        self.residuals: dict[str, tuple[float, float]] = {}

    def add(self, method: str, images: list[NDArray[Any]]) -> None:
        """Score the images of a method."""
        self.db[method] = self._db(images)

    def add_best(
        self, method: str, filtered: Callable[[NDArray[Any], float], Any], of: Any
    ) -> None:
        """Score a filter at the setting that is best for the whole set."""
        tried = {each: self._db([filtered(p.noisy, each) for p in self.pairs]) for each in of}
        best = max(tried, key=lambda each: float(tried[each].mean()))
        self.db[f"{method} {best:g} px"] = tried[best]

    def over(self, method: str, rival: str) -> Interval | None:
        """Return how much better one is than the other; the rival's name may lack its setting."""
        names = [name for name in self.db if name.startswith(rival)]
        if method not in self.db or not names:
            return None
        return paired(self.db[method] - self.db[names[0]], self.fields)

    def _db(self, images: list[NDArray[Any]]) -> Values:
        return np.array(
            [
                fitted_db(image, pair.reference, pair.reference_variance)
                for image, pair in zip(images, self.pairs, strict=True)
            ]
        )


def score(name: str, pairs: list[Pair], *, sabotage: bool = False) -> Scores:
    """Restore all pairs of a set in every way, and score them."""
    scores = Scores(name, pairs)
    scores.add("noisy", [pair.noisy for pair in pairs])
    scores.add_best("Gaussian", rivals.gauss, rivals.SIGMAS_PX)
    scores.add_best(
        "median", lambda image, size: rivals.median(image, int(size)), rivals.MEDIANS_PX
    )
    for guess in (GIVEN, ORACLE):
        for role, package in denoisers().items():
            images = [
                restore(package, pair.noisy[None], getattr(pair, guess), sabotage=sabotage)
                for pair in pairs
            ]
            scores.add(f"{role}, {guess}", images)
            scores.residuals[f"{role}, {guess}"] = _residuals(pairs, images, guess)
    for role, package in denoisers().items():
        if package.manifest.in_frames > 1 and all(pair.before is not None for pair in pairs):
            movies = [np.concatenate([pair.before, pair.noisy[None]]) for pair in pairs]
            images = [
                restore(package, movie, pair.given, sabotage=sabotage)
                for movie, pair in zip(movies, pairs, strict=True)
            ]
            scores.add(f"{role}, given, {package.manifest.in_frames} frames", images)
    return scores


def add_bm3d(sets: list[Scores], guesses: tuple[str, ...] = (GIVEN, ORACLE)) -> None:
    """Score BM3D on all sets at once, if it is installed."""
    if not rivals.has_bm3d():
        return
    jobs = [(p.noisy, getattr(p, g)) for s in sets for g in guesses for p in s.pairs]
    done = iter(rivals.bm3d_all(jobs))
    for scores in sets:
        for guess in guesses:
            scores.add(f"{BM3D}, {guess}", [next(done) for _ in scores.pairs])


def _residuals(
    pairs: list[Pair], images: list[NDArray[np.float32]], guess: str
) -> tuple[float, float]:
    """Return the median variance and neighbour correlation of what is left of the noise."""
    found = []
    for pair, image in zip(pairs, images, strict=True):
        full = float(np.iinfo(pair.noisy.dtype).max)
        gain, offset, read_e = getattr(pair, guess)
        left = judge(pair.noisy, image, gain, offset, read_e, full)
        found.append((left.var_z, left.corr1))
    var_z, corr1 = np.median(found, axis=0)
    return float(var_z), float(corr1)


def table_of(sets: list[Scores]) -> list[str]:
    """Write what was measured."""
    lines = []
    for scores in sets:
        fields = len(np.unique(scores.fields))
        camera = "its calibration" if scores.pairs[0].is_calibrated else "guessed blindly"
        lines += [
            "", f"{scores.name}: {len(scores.pairs)} images of {fields} fields (frames, where they "
            f"repeat one field); given camera: {camera}; dB after a gain + offset fit, the "
            "reference's noise taken off", "",
            "| method | dB | over the tuned Gaussian | over VST + BM3D, given | var_z, corr1 |",
            "| --- | --- | --- | --- | --- |",
        ]  # fmt: skip
        for method, each in scores.db.items():
            left = scores.residuals.get(method)
            cells = [
                method, f"{each.mean():.2f}", _words(scores.over(method, "Gaussian")),
                _words(scores.over(method, f"{BM3D}, given")),
                f"{left[0]:.2f}, {left[1]:+.3f}" if left else "",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _words(interval: Interval | None) -> str:
    return interval.words() if interval is not None else ""


def values_of(sets: list[Scores]) -> dict[str, float]:
    """Return what the bars ask for; the network with the most frames counts as the best."""
    values: dict[str, float] = {}
    below = []
    for scores in sets:
        for role in ("fast", "best"):
            gain = scores.over(f"{role}, given", "Gaussian")
            if gain is not None:
                values[f"models_{scores.name}_{role}_over_gaussian_db"] = gain.mean
        behind = scores.over("best, given", "fast, given")
        if behind is not None:
            below.append(behind.mean)
    by_name = {scores.name: scores for scores in sets}
    for role in ("fast", "best"):
        gain = by_name["w2s"].over(f"{role}, given", f"{BM3D}, given") if "w2s" in by_name else None
        if gain is not None:
            values[f"models_w2s_{role}_over_bm3d_db"] = gain.mean
    if below:
        values["models_fast_below_best_db"] = max(below)
    return values
