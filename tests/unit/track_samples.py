"""A small family tree: cell 0 divides at t = 2 into 1 and 2, cell 5 is alone and missed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from realtime.export.tracks_forest import Forest
from realtime.tracker.lineage import ROW

SHAPE = (60, 80)


def forest(*, is_deep: bool = False, **more: object) -> Forest:
    rows = [
        (t, cell, 4.0 * is_deep, y, x, 78.5, 1000.0, 0.99, is_seen)
        for t, cell, y, x, is_seen in [
            (0, 0, 20, 20, 1), (0, 5, 50, 60, 1),
            (1, 0, 20, 22, 1), (1, 5, 50, 61, 0),
            (2, 1, 14, 24, 1), (2, 2, 26, 24, 1), (2, 5, 50, 62, 1),
            (3, 1, 12, 25, 1), (3, 2, 28, 25, 1), (3, 5, 50, 63, 1),
        ]
    ]  # fmt: skip
    whole = Forest(
        rows=np.array(rows, ROW),
        mothers={1: 0, 2: 0},
        n_times=4,
        shape=SHAPE,
        n_planes=5 if is_deep else 1,
        pixel_um=0.5,
        interval_s=30.0,
        source="film & <more>.tif",
    )
    return replace(whole, **more)  # type: ignore[arg-type]
