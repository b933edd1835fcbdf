"""Small runs for tests: a start, frames with known pixels, results and decisions."""

from __future__ import annotations

import numpy as np
import xxhash

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.policy import Decision, Observation, Trust
from realtime.run_file import RunWriter
from realtime.wire import (
    AppliedMessage,
    CameraInfo,
    DecisionMessage,
    End,
    FrameMessage,
    Result,
    RingInfo,
    Start,
    Tracks,
    encode,
)

CALIBRATION = Calibration(0.5, 100.0, 1.6, source="simulated")


def start(height=16, width=24, session_id="session-a", cameras=("cam",)):
    infos = tuple(CameraInfo(label, height, width, 0.1, CALIBRATION) for label in cameras)
    settings = Settings((ChannelSettings("gfp", 10.0, 0.5),))
    return Start(
        session_id,
        1_000,
        1_700_000_000_000_000_000,
        infos,
        RingInfo("ring", 8, height * width * 2),
        settings,
        config_toml="[run]\nname = 'x'\n",
        plan_json="{}",
        origin="simulated",
        dose_unit="relative",
        budget_j_cm2={"488": 5.0},
    )


def image(seq, height=16, width=24):
    return np.random.default_rng(seq).poisson(200, (height, width)).astype(np.uint16)


def applied(exposure_ms=10.0, decision_id=-1, clamped=""):
    dose = exposure_ms * 1e-3
    return Applied(
        "gfp", "488", 488.0, exposure_ms, exposure_ms, 0.5, 0.5, 1.0, dose, False, decision_id,
        clamped=clamped,
    )  # fmt: skip


def info(seq, height=16, width=24, n_frames=1, camera="cam", **more):
    shot = Shot(seq // n_frames, 0, n_frames)
    light = more.get("applied", applied(decision_id=shot.number - 1))
    return FrameInfo(
        seq, camera, seq, seq * 50_000_000, seq * 0.05, shot, seq % n_frames,
        Index(t=shot.number, z=seq % n_frames), height, width, (1.0, 2.0, 3.0), light,
    )  # fmt: skip


def message(info, pixels):
    digest = xxhash.xxh3_64_intdigest(np.ascontiguousarray(pixels).data)
    return FrameMessage(info, info.seq % 8, info.seq // 8 + 1, pixels.nbytes, digest)


def result(shot, seqs, snr=5.0):
    seen = Observation(
        shot, 0, shot * 0.05, tuple(seqs), (applied(),), 3, 2, snr, 40.0, 10.0, 0.0, 0, 0.5,
        Trust(is_trusted=True, why=""), {"488": 0.01 * shot},
    )  # fmt: skip
    return Result(shot, 0, tuple(seqs), seen, Tracks(ids=(1, 2), y_px=(3.0, 4.5), x_px=(1.0, 2.0)))


def decision(shot, seqs, exposure_ms=10.0, snr=5.0):
    settings = Settings((ChannelSettings("gfp", exposure_ms, 0.5),))
    return Decision(shot, settings, tuple(seqs), {"snr": snr}, "snr is enough", "snr/1", True)


def end(n_frames, n_gaps=0, status="complete"):
    return End(n_frames - 1, n_frames, n_gaps, status, "", True, {"488": 0.1})


def write_run(path, n_shots=4, n_frames=2, height=16, width=24):
    """Record a whole run; return its start and the packets of its journal."""
    first = start(height, width)
    packets = [encode(first)]
    with RunWriter(path, first) as writer:
        for shot in range(n_shots):
            used = applied(10.0 + shot, shot - 1)
            seqs = range(shot * n_frames, (shot + 1) * n_frames)
            documents = [encode(AppliedMessage(shot, shot - 1, seqs[0], (used,)))]
            for seq in seqs:
                pixels = image(seq, height, width)
                told = message(info(seq, height, width, n_frames, applied=used), pixels)
                for packet in documents:
                    writer.document(packet)
                writer.frame(told, pixels)
                packets += [*documents, encode(told)]
                documents = []
            answers = (
                encode(result(shot, seqs)),
                encode(DecisionMessage(decision(shot, seqs, 11.0 + shot))),
            )
            for packet in answers:
                writer.document(packet)
                packets.append(packet)
            writer.flush()
        packets.append(encode(end(n_shots * n_frames)))
        writer.document(packets[-1])
        writer.close("complete")
    return first, packets
