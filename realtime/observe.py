"""Puts together all that a policy may look at: one shot of one field, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from realtime.detections import snr_of_mean
from realtime.policy.observation import HeightsSeen, Observation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from acquire.settings import Applied
    from realtime.detections import Detections
    from realtime.policy.observation import Trust
    from realtime.wire import TrackEvent, Tracks

CONFIRMED_AGE = 3
"""Shots since birth after which a cell is believed: its birth is final, and it was seen since."""


def observe(
    *,
    shot: int,
    position: int,
    t_s: float,
    seqs: tuple[int, ...],
    applied: tuple[Applied, ...],
    detections: Detections,
    tracks: Tracks,
    events: Sequence[TrackEvent],
    trust: Trust,
    saturated_fraction: float,
    dose_j_cm2: Mapping[str, float] | None = None,
    pixel_um: float = 0.0,
) -> Observation:
    """Return what was seen in a shot; the same inputs always give the same observation.

    A cell is confirmed once it is `CONFIRMED_AGE` shots old. Brightness, SNR and motion are medians
    over the confirmed cells that were found in this very shot; 0 where there is none.
    """
    ages, missed = np.asarray(tracks.ages, np.int64), np.asarray(tracks.missed, np.int64)
    confirmed = ages >= CONFIRMED_AGE
    seen = confirmed & (missed == 0)
    area_px = np.asarray(tracks.area_px, np.float64)[seen]
    signal_e = np.asarray(tracks.photons, np.float64)[seen] / np.maximum(area_px, 1.0)
    snr = snr_of_mean(signal_e, detections.background_e, area_px, detections.read_noise_e)
    steps_px = np.hypot(np.asarray(tracks.vy_px)[seen], np.asarray(tracks.vx_px)[seen])
    return Observation(
        shot=shot,
        position=position,
        t_s=t_s,
        seqs=seqs,
        applied=applied,
        n_tracks=len(tracks.ids),
        n_confirmed=int(np.count_nonzero(confirmed)),
        snr=_median(snr),
        signal_e=_median(signal_e),
        background_e=detections.background_e,
        saturated_fraction=saturated_fraction,
        n_divisions=_divisions(events),
        motion_px=_median(steps_px),
        trust=trust,
        dose_j_cm2=dict(dose_j_cm2 or {}),
        n_found=len(detections),
        found_snr=_median(np.asarray(detections.snr, np.float64)),
        found_signal_e=_median(np.asarray(detections.signal_e, np.float64)),
        heights=_heights(tracks, seen, pixel_um),
        kinds=_kinds(tracks, confirmed),
    )


def _heights(tracks: Tracks, which: NDArray[np.bool_], pixel_um: float) -> HeightsSeen | None:
    if not (tracks.z_px and which.any()):
        return None
    z_um = pixel_um * np.asarray(tracks.z_px)[which]
    low, middle, high = np.quantile(z_um, (0.1, 0.5, 0.9)).tolist()
    sd_px = np.asarray(tracks.z_sd_px)[which]
    return HeightsSeen(low, middle, high, pixel_um * _median(sd_px))


def _kinds(tracks: Tracks, which: NDArray[np.bool_]) -> dict[str, float]:
    if not (tracks.kinds and tracks.classes):
        return {}
    expected = np.asarray(tracks.classes)[which].sum(axis=0).tolist()
    return dict(zip(tracks.kinds, expected, strict=True))


def _divisions(events: Sequence[TrackEvent]) -> int:
    """Return how many divisions were first seen at this shot; a verdict is no second one."""
    return sum(event.kind == "division" and not event.is_final for event in events)


def _median(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.median(values)) if values.size else 0.0
