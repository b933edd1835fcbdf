"""How often the stated interval holds the true error, octave by octave of light."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.conformal import octave
from models.train import trust_films as known

if TYPE_CHECKING:
    from models.denoise import Denoised
    from models.regions import Regions
    from models.train.trust_films import Known, Seen
    from realtime.policy.observation import Trust

Row = tuple[str, int, int, float, float]
"""Region, octave, frames, share whose true error was in the interval, its median width."""
REGIONS = ("cells", "background")
DARKEST = -3
"""Octave of light from which the stated error is judged: 1/8 to 1/4 e- a pixel. Below it there is
less than one photo-electron in nine pixels, and the interval is as wide as the error."""


class Point(NamedTuple):
    """One region of one frame: what was true, and what was expected."""

    seen: Seen
    low_e: float
    high_e: float


Points = dict[str, list[Point]]


def points_of(regions: Regions, answer: Denoised, scene: Known, trust: Trust) -> Points:
    """Return what was true of a frame and what was expected, for each region that it holds."""
    points: Points = {}
    for region in REGIONS:
        seen = known.compare(regions, answer, scene, cells=region == "cells")
        if np.isfinite(seen).all():
            points[region] = [Point(seen, *_interval(trust, cells=region == "cells"))]
    return points


def joined(parts: list[Points]) -> Points:
    """Return all points together."""
    return {region: [p for part in parts for p in part.get(region, [])] for region in REGIONS}


def _interval(trust: Trust, *, cells: bool) -> tuple[float, float]:
    if cells:
        return trust.rmse_low_e, trust.rmse_high_e
    return trust.background_low_e, trust.background_high_e


def cover(points: Points, least: int, *, sabotage: bool) -> tuple[dict[str, float], list[Row]]:
    """Return the worst coverage and width of octaves with enough frames, and a row for each."""
    rows: list[Row] = []
    for region, all_points in points.items():
        octaves = np.array([octave(point.seen.mean_e) for point in all_points])
        for each in np.unique(octaves):
            chosen = [all_points[int(i)] for i in np.flatnonzero(octaves == each)]
            true = np.array([point.seen.true_e for point in chosen])
            low, high = (
                np.array([getattr(point, side) for point in chosen]) for side in ("low_e", "high_e")
            )
            if sabotage:
                low, high = 0.5 * low, 0.5 * high
            inside = float(np.mean((low <= true) & (true <= high)))
            width = float(np.median((high - low) / true))
            rows.append((region, int(each), len(chosen), inside, width))
    judged = [row for row in rows if row[2] >= least and row[1] >= DARKEST]
    values = {
        "octaves": float(len(judged)),
        "coverage_off": max((abs(row[3] - 0.8) for row in judged), default=1.0),
        "width": max((row[4] for row in judged), default=1.0),
    }
    return values, rows
