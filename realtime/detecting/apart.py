"""No two detections at one place: a tracker would follow one cell under ever new names."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.detecting.peaks import pairs_within

if TYPE_CHECKING:
    from realtime.detections import Detections

LEAST_APART = 0.25
"""No two cells are nearer to each other than this many usual diameters (proposed)."""


def apart(found: Detections, diameter_px: float) -> Detections:
    """Return the detections of which no two are nearer than `LEAST_APART` diameters.

    Of two that are, the one that stands out less is dropped.
    """
    if len(found) < 2 or found.score is None:
        return found
    places = np.column_stack((found.y_px, found.x_px))
    pairs = pairs_within(places, LEAST_APART * diameter_px)
    if len(pairs) == 0:
        return found
    near: dict[int, list[int]] = {}
    for a, b in pairs.tolist():
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    keep = np.ones(len(found), bool)
    for best in np.argsort(-found.score, kind="stable").tolist():
        if keep[best]:
            keep[near.get(best, [])] = False
    kept: dict[str, Any] = {}
    for field in fields(found):
        values = getattr(found, field.name)
        if isinstance(values, np.ndarray):
            kept[field.name] = values[keep]
    return replace(found, **kept)
