"""What a tracker tells of a shot: every cell, as columns for the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.tracker.cells import NEVER
from realtime.wire import Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.tracker.cells import Cells
    from realtime.tracker.habits import Habits


def tracks_of(
    cells: Cells,
    habits: Habits,
    flags: tuple[str, ...] = (),
    *,
    has_z: bool,
    classes: tuple[tuple[float, ...], ...] = (),
    z_sd_px: NDArray[np.float64] | None = None,
) -> Tracks:
    """Return all cells as they are after a shot; `z_sd_px` (M,) is of its detections."""
    places = habits.motion.expect(cells, 0)
    course = habits.motion.course(cells)
    spread = habits.motion.spread(cells, habits.gate.spread_px, 1)
    was_linked = (cells["detection"] >= 0) & (cells["age"] > 0)
    z_ratio = habits.heights.ratio
    since = np.where(cells["since_division"] < NEVER, cells["since_division"], -1)
    return Tracks(
        ids=tuple(cells["id"].tolist()),
        parents=tuple(cells["parent"].tolist()),
        y_px=tuple(places[:, 0].tolist()),
        x_px=tuple(places[:, 1].tolist()),
        vy_px=tuple(cells["step"][:, 0].tolist()),
        vx_px=tuple(cells["step"][:, 1].tolist()),
        ages=tuple(cells["age"].tolist()),
        missed=tuple(cells["missed"].tolist()),
        photons=tuple(cells["photons"].tolist()),
        area_px=tuple(cells["area_now"].tolist()),
        course_y_px=tuple(course[:, 0].tolist()),
        course_x_px=tuple(course[:, 1].tolist()),
        spread_px=tuple(spread.tolist()),
        certainty=tuple(cells["certainty"].tolist()),
        margin=tuple(cells["margin"].tolist()),
        trend=tuple((cells["trend"] - habits.fading).tolist()),
        since_division=tuple(since.tolist()),
        z_px=tuple((z_ratio * places[:, 2]).tolist()) if has_z else (),
        course_z_px=tuple((z_ratio * course[:, 2]).tolist()) if has_z else (),
        spread_z_px=tuple((z_ratio * spread).tolist()) if has_z else (),
        n_wrong_links=float((1.0 - cells["certainty"][was_linked]).sum()),
        fading=habits.fading,
        flags=flags,
        classes=classes,
        z_sd_px=_sds_of_heights(cells, habits, z_sd_px) if has_z else (),
    )


def _sds_of_heights(
    cells: Cells, habits: Habits, z_sd_px: NDArray[np.float64] | None
) -> tuple[float, ...]:
    """Return how sure each height is, px of the plane: of who is missed, as sure as its motion."""
    guessed = habits.heights.ratio * habits.motion.spread(cells, habits.gate.spread_px, 0)
    if z_sd_px is None:
        return tuple(guessed.tolist())
    is_seen = cells["detection"] >= 0
    guessed[is_seen] = z_sd_px[cells["detection"][is_seen]]
    return tuple(guessed.tolist())


def labels_of(cells: Cells, n_found: int) -> NDArray[np.int64]:
    """Return the identity of each detection, (M,) int64; -1 for none."""
    labels = np.full(n_found + 1, -1, np.int64)
    labels[cells["detection"]] = cells["id"]  # -1, unseen, is the one that is too many
    return labels[:-1]


def spread_out(
    labels: NDArray[np.int64], which: NDArray[np.intp] | None, n: int
) -> NDArray[np.int64]:
    """Return the identities of all detections, where only some were looked at; -1 for the rest."""
    if which is None:
        return labels
    whole = np.full(n, -1, np.int64)
    whole[which] = labels
    return whole
