"""Where cells will be: their place and its uncertainty at any future shot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from realtime.wire import Tracks


def forecast(tracks: Tracks, shots: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where each cell should be `shots` later, and how sure that is.

    The cell goes on at its course; around it, it walks at random, so the variance grows with time.

    Parameters
    ----------
    tracks
        What a tracker that says `course_y_px` and `spread_px` told of a shot.
    shots
        Shots from then, >= 0; parts of a shot are fine.

    Returns
    -------
    places, covariances
        y, x (and z in a stack), px, (N, D); px**2, (N, D, D).

    Raises
    ------
    ValueError
        If `shots` is negative, or the tracks hold no course (a recording of an older tracker).
    """
    if shots < 0:
        raise ValueError(f"a forecast looks ahead: shots must be >= 0, got {shots}")
    if len(tracks.spread_px) != len(tracks.ids):
        raise ValueError("these tracks hold no course; follow the run again with this version")
    place, course = [tracks.y_px, tracks.x_px], [tracks.course_y_px, tracks.course_x_px]
    if tracks.z_px:
        place.append(tracks.z_px)
        course.append(tracks.course_z_px)
    places = np.array(place, np.float64).T + shots * np.array(course, np.float64).T
    since_seen = np.array(tracks.missed, np.float64) + shots
    spread = np.repeat(np.array(tracks.spread_px, np.float64)[:, None], len(place), axis=1)
    if tracks.z_px and tracks.spread_z_px:
        spread[:, 2] = tracks.spread_z_px
    variance = spread**2 * (since_seen / (np.array(tracks.missed) + 1.0))[:, None]
    return places, variance[:, :, None] * np.eye(len(place))
