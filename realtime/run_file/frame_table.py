"""The table of frames: one row for each, its numbers repeated for a table or a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from realtime.wire import FrameMessage

FRAME_ROW = np.dtype(
    [
        ("seq", "<i8"),
        ("camera", "<i4"),  # the N of /entry/camN
        ("row", "<i8"),  # place in /entry/camN/data
        ("camera_seq", "<i8"),
        ("t_ns", "<i8"),
        ("t_s", "<f8"),
        ("shot", "<i8"),
        ("shot_frame", "<i4"),
        ("shot_frames", "<i4"),
        ("is_audit", "u1"),
        ("t", "<i4"),
        ("c", "<i4"),
        ("z", "<i4"),
        ("p", "<i4"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("x_um", "<f8"),
        ("y_um", "<f8"),
        ("z_um", "<f8"),
        ("channel", "S32"),
        ("light", "S32"),
        ("wavelength_nm", "<f8"),
        ("exposure_ms", "<f8"),
        ("exposure_read_ms", "<f8"),
        ("power_fraction", "<f8"),
        ("power_read_fraction", "<f8"),
        ("irradiance_w_cm2", "<f8"),
        ("dose_j_cm2", "<f8"),
        ("is_calibrated", "u1"),
        ("decision_id", "<i8"),
        ("late", "<i4"),
        ("nbytes", "<i8"),
        ("xxh3", "<u8"),
        ("is_raw", "u1"),
    ]
)


def frame_row(message: FrameMessage, camera: int, row: int, *, is_raw: bool) -> tuple[Any, ...]:
    """Return a frame's row of the table."""
    info, applied = message.info, message.info.applied
    return (
        info.seq,
        camera,
        row,
        info.camera_seq,
        info.t_ns,
        info.t_s,
        info.shot.number,
        info.shot_frame,
        info.shot.n_frames,
        info.shot.is_audit,
        info.index.t,
        info.index.c,
        info.index.z,
        info.index.p,
        info.height,
        info.width,
        *info.position_um,
        applied.channel.encode(),
        applied.light.encode(),
        applied.wavelength_nm,
        applied.exposure_ms,
        applied.exposure_read_ms,
        applied.power_fraction,
        applied.power_read_fraction,
        applied.irradiance_w_cm2,
        applied.dose_j_cm2,
        applied.calibrated,
        applied.decision_id,
        applied.late,
        message.nbytes,
        message.xxh3,
        is_raw,
    )
