"""What pictures for looking cost: the time by which a decision waits for them, at each rest.

The worker draws as it does in a run (`lightloop.pictures.pictures`), with packages as they are
shipped; the rest between two shots passes on a clock that is put forward, so that nobody has to
wait for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from acquire.simulated import SimulatedScopeConfig
from lightloop.bench import models_nets as nets
from lightloop.config import parse
from models.train.scenes import make_scene
from realtime.wire import CameraInfo, RestoredSlot, RingInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightloop.pictures.pictures import Pictures

    Raw = NDArray[np.uint16]

SIDE_PX, PLANES, SHOTS = 512, 5, 20
RESTS_S = (0.1, 0.3, 1.0, 10.0)
_SEED, _STEP_UM = 9_801, 1.0
CONFIG = """
[scope]
kind = "simulated"
[[light]]
name = "488"
wavelength_nm = 488.0
shutter_device = "Shutter"
gate = "camera"
limits = {{ budget_j_cm2 = 1.0 }}
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 10.0
[plan]
time_plan = {{ interval = {{ seconds = 1 }}, loops = 2 }}
z_plan = {{ range = 4.0, step = 1.0 }}
[network]
{network}
"""
_LIGHT = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)


class Row(NamedTuple):
    """One choice of pictures at one rest.

    Attributes
    ----------
    mean_ms, most_ms
        Time that a decision waits: of all shots, and the longest.
    with_pictures
        Share of the shots that got pictures.
    """

    what: str
    planes: int
    rest_s: float
    mean_ms: float
    most_ms: float
    with_pictures: float


class Clock:
    """The host's clock, but that it can be put forward."""

    def __init__(self) -> None:
        self._ahead_ns = 0

    def __call__(self) -> int:
        """Return the time, ns."""
        return time.perf_counter_ns() + self._ahead_ns

    def forward(self, seconds: float) -> None:
        """Let so much time be over."""
        self._ahead_ns += int(seconds * 1e9)


def measure(shots: int = SHOTS) -> list[Row]:
    """Time all choices whose network is here."""
    choices = [("esrrf", 1, 'esrrf = "avg"')]
    if nets.find(nets.SUPERRES) is not None:
        choices.append(("superres", 1, f'superres = "{nets.SUPERRES}"'))
    if nets.find(nets.AXIAL) is not None:
        choices.append(("axial", PLANES, f'axial = "{nets.AXIAL}"'))
    return [row for choice in choices for row in _rows(*choice, shots)]


def _rows(what: str, planes: int, network: str, shots: int) -> list[Row]:
    from lightloop.build.pictures import build_drawing

    config = parse(CONFIG.format(network=network))
    calibration = SimulatedScopeConfig().calibration()
    camera = CameraInfo("Camera", SIDE_PX, SIDE_PX, 0.325, calibration)
    clock = Clock()
    drawing = build_drawing(config, camera, _keep, clock=clock)
    assert drawing is not None
    frames = _frames(calibration.gain_adu_per_e, calibration.offset_adu)
    try:
        return [_row(what, planes, rest_s, drawing, clock, frames, shots) for rest_s in RESTS_S]
    finally:
        drawing.close()


def _row(
    what: str, planes: int, rest_s: float, drawing: Pictures, clock: Clock, frames: list[Raw],
    shots: int,
) -> Row:  # fmt: skip
    times, drawn = [], 0
    drawing.forget()  # rest begins now
    for shot in range(shots):
        clock.forward(rest_s)
        began_ns = time.perf_counter_ns()
        for z in range(planes):
            drawing.see(_info(shot, z, planes), frames[(shot + z) % len(frames)])
        drawn += bool(drawing.draw())
        drawing.forget()
        times.append((time.perf_counter_ns() - began_ns) * 1e-6)
    return Row(what, planes, rest_s, float(np.mean(times)), max(times), drawn / shots)


def _frames(gain_adu_per_e: float, offset_adu: float) -> list[Raw]:
    rng = np.random.default_rng(_SEED)
    scene = 60 * np.maximum(make_scene(rng, SIDE_PX), 0.0) + 2
    made = [offset_adu + gain_adu_per_e * rng.poisson(scene) for _ in range(8)]
    return [np.clip(np.round(one), 0, 65_535).astype(np.uint16) for one in made]


def _info(shot: int, z: int, planes: int) -> FrameInfo:
    return FrameInfo(
        planes * shot + z, "Camera", 0, 0, float(shot), Shot(shot, 0, planes), z,
        Index(shot, 0, z, 0), SIDE_PX, SIDE_PX, (0.0, 0.0, _STEP_UM * z), _LIGHT,
    )  # fmt: skip


def _keep(image: NDArray[np.float32]) -> RestoredSlot:
    """Copy an image as the ring of a run would."""
    image.copy()
    return RestoredSlot(RingInfo("", 4, 1), 0, 1, *image.shape)


def table_of(rows: list[Row]) -> list[str]:
    """Write what was measured."""
    lines = [
        "", f"pictures for looking, {SIDE_PX} x {SIDE_PX} px, one thread: by how much a decision "
        "waits for them", "",
        "| what | planes | rest before a shot, s | mean, ms | longest, ms | shots with pictures |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for r in rows:
        times = f"{r.mean_ms:.1f} | {r.most_ms:.1f}"
        share = f"{100 * r.with_pictures:.0f} %"
        lines.append(f"| {r.what} | {r.planes} | {r.rest_s:g} | {times} | {share} |")
    return lines
