"""Runs for tests of exports: fields, channels, planes and shapes, lost frames, cells."""

from __future__ import annotations

import numpy as np

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.policy import Observation, Trust
from realtime.run_file import RunWriter
from realtime.wire import CameraInfo, Gap, Result, RingInfo, Start, Tracks, encode
from tests.unit.run_samples import CALIBRATION, end, message

WAVELENGTHS = (488.0, 561.0)


def start(shapes=((16, 24),), calibrated=True, config="", session_id="session-x"):
    cameras = tuple(
        CameraInfo(f"cam{n}" if n else "cam", *shape, 0.5, CALIBRATION, (8, 16, shape[1], shape[0]))
        for n, shape in enumerate(shapes)
    )
    return Start(
        session_id,
        1_000,
        1_700_000_000_000_000_000,
        cameras,
        RingInfo("ring", 8, 1 << 20),
        Settings((ChannelSettings("GFP", 10.0, 0.5),)),
        config_toml=config,
        plan_json="{}",
        origin="simulated",
        dose_unit="J/cm2" if calibrated else "relative",
    )


def light(c=0, dose=0.02, calibrated=True, exposure_ms=20.0):
    return Applied(
        ("GFP", "RFP")[c], str(int(WAVELENGTHS[c])), WAVELENGTHS[c], exposure_ms, exposure_ms, 0.5,
        0.5, dose / (exposure_ms * 1e-3), dose, calibrated, -1,
    )  # fmt: skip


def info(seq, shot, place, of, index, applied, shape=(16, 24), camera="cam", is_audit=False):
    return FrameInfo(
        seq, camera, seq, seq * 10**7, shot * 60.0, Shot(shot, index.p, of, is_audit), place,
        index, *shape, (100.0 * index.p, 0.0, 2.0 * index.z), applied,
    )  # fmt: skip


def image(seq, shape=(16, 24)):
    return np.random.default_rng(seq).poisson(200, shape).astype(np.uint16)


def write_film(path, n_t=3, n_c=1, n_z=1, n_p=1, lost=(), calibrated=True, parts=1, dose=0.02):
    """Record every place of a plan, but for the frames that are lost; return their truth."""
    first = start(calibrated=calibrated)
    infos, seq, shot = [], 0, 0
    for t in range(n_t):
        for p in range(n_p):
            places = [(c, z) for c in range(n_c) for z in range(n_z)]
            for place, (c, z) in enumerate(places):
                used = light(c, dose * (1 + t), calibrated)
                infos.append(info(seq, shot, place, len(places), Index(t, c, z, p), used))
                seq += 1
            shot += 1
    share = -(-len(infos) // parts)
    for part in range(parts):
        with RunWriter(path, first) as writer:
            for one in infos[part * share : (part + 1) * share]:
                if one.seq in lost:
                    writer.document(encode(Gap(one.seq, one.seq, "the ring was full")))
                else:
                    writer.frame(message(one, image(one.seq)), image(one.seq))
            if part == parts - 1:
                writer.document(encode(end(len(infos), len(lost))))
                writer.close("complete")
    return infos


def result(shot, infos, tracks, events=(), is_fresh=False, cell_dose=None):
    used = tuple(i.applied for i in infos)
    seen = Observation(
        shot, infos[0].shot.position, infos[0].t_s, tuple(i.seq for i in infos), used,
        len(tracks.ids), 0, 5.0, 40.0, 10.0, 0.0, 0, 0.0, Trust(is_trusted=True, why=""),
    )  # fmt: skip
    return Result(
        shot, infos[0].shot.position, seen.seqs, seen, tracks, tuple(events), is_fresh=is_fresh,
        cell_dose=cell_dose,
    )  # fmt: skip


def tracks(*cells, parents=None, missed=None, area_px=80.0, photons=1000.0):
    """Return tracks of cells: id, y, x."""
    n = len(cells)
    return Tracks(
        ids=tuple(c[0] for c in cells),
        parents=tuple(parents) if parents else (-1,) * n,
        y_px=tuple(float(c[1]) for c in cells),
        x_px=tuple(float(c[2]) for c in cells),
        vy_px=(0.0,) * n,
        vx_px=(0.0,) * n,
        ages=(5,) * n,
        missed=tuple(missed) if missed else (0,) * n,
        photons=(photons,) * n,
        area_px=(area_px,) * n,
    )


def write_cells(path, shots, shape=(64, 64), pixels=None, calibrated=True, doses=None):
    """Record one frame and one result for each shot.

    Parameters
    ----------
    shots
        (tracks, events) of each, or (tracks, events, is_fresh); None for a shot without a result.
    pixels
        Makes the image of a shot.
    doses
        Dose of each shot.
    """
    with RunWriter(path, start((shape,), calibrated)) as writer:
        for n, shot in enumerate(shots):
            used = light(0, doses[n] if doses else 0.02, calibrated)
            one = info(n, n, 0, 1, Index(t=n), used, shape)
            counts = pixels(n) if pixels else image(n, shape)
            writer.frame(message(one, counts), counts)
            if shot is not None:
                found, events, *fresh = shot
                answer = result(n, (one,), found, events, bool(fresh and fresh[0]) or n == 0)
                writer.document(encode(answer))
        writer.document(encode(end(len(shots))))
        writer.close("complete")
