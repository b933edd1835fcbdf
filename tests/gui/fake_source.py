"""A run that never was: cells that drift, bleach and divide, for the tests of the window.

It speaks the messages of a real session, so the window cannot tell. Nothing in it is physics.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime.policy.decision import Decision
from realtime.policy.observation import Observation, Trust
from realtime.wire import (
    AppliedMessage,
    CameraInfo,
    DecisionMessage,
    End,
    FrameMessage,
    FromHub,
    Notice,
    Picture,
    Reply,
    RestoredSlot,
    Result,
    RingInfo,
    Start,
    StepTimes,
    TrackEvent,
    Tracks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

OFFSET_ADU, GAIN, READ_E, SATURATION_ADU = 100.0, 2.0, 1.6, 4095.0
BACKGROUND_E, TARGET_SNR, BUDGET_J_CM2 = 4.0, 5.0, 12.0
RING = RingInfo("fake", 8, 0)
TRUST = Trust(0.01, 1.02, 0.01, 0.0, 2.1, 0.0, is_trusted=True, why="residual looks like noise")


class FakeSource:
    """A source without a microscope.

    Parameters
    ----------
    rate_hz
        Shots a second of the host's clock; 0 makes shots only in `advance`.
    side_px, n_cells
        Size of the image and how much is in it.
    has_network
        Whether results carry a restored image.
    answers
        Whether commands are answered.
    looking
        Kinds of the images for looking in every result: "superres", "axial".
    """

    def __init__(
        self,
        *,
        rate_hz: float = 0.0,
        side_px: int = 512,
        n_cells: int = 48,
        seed: int = 7,
        has_network: bool = True,
        answers: bool = True,
        origin: str = "simulated",
        dose_unit: str = "J/cm2",
        looking: tuple[str, ...] = (),
    ) -> None:
        self.commands: list[str] = []
        self.shot = 0
        self._random = np.random.default_rng(seed)
        self._rate_hz, self._side, self._answers = rate_hz, side_px, answers
        self._has_network, self._dose_unit = has_network, dose_unit
        self.looking = looking
        self._noise = self._random.standard_normal((5, side_px, side_px)).astype(np.float32)
        self._places = self._random.uniform(0.06, 0.94, (n_cells, 2)) * side_px
        self._speeds = self._random.normal(0.0, 0.5, (n_cells, 2))
        self._bright = self._random.lognormal(4.1, 0.45, n_cells)
        self._bright[:1] = 2600.0  # one that clips
        self._ids = np.arange(1, n_cells + 1)
        self._parents = np.full(n_cells, -1)
        self._exposure_ms, self._alive, self._dose, self._snr = 8.0, 1.0, 0.0, TARGET_SNR
        self._clean = self._render()
        self._credit = 1
        self._newest: FrameMessage | None = None
        self._started_ns = time.perf_counter_ns()
        self._documents: list[FromHub] = [self._start(origin)]

    # ---------------------------------------------------------------------- what the window asks

    def poll(self) -> list[FromHub]:
        """Return what came; makes the shots that are due by the clock."""
        due = int((time.perf_counter_ns() - self._started_ns) * 1e-9 * self._rate_hz)
        if self.shot < due and self._rate_hz:
            self.advance(due - self.shot)
        messages, self._documents = self._documents, []
        if self._credit and self._newest is not None:
            messages.insert(len(messages) - 1, self._newest)
            self._credit, self._newest = self._credit - 1, None
        return messages

    def raw(self, message: FrameMessage) -> NDArray[np.uint16] | None:
        """Return counts: the clean image with noise, (Y, X) uint16."""
        noise = self._noise[message.info.seq % len(self._noise)]
        photons = self._clean + noise * np.sqrt(self._clean + READ_E**2, dtype=np.float32)
        counts = photons * GAIN + OFFSET_ADU
        return np.asarray(np.clip(counts, 0, SATURATION_ADU), np.uint16)

    def restored(self, slot: RestoredSlot) -> NDArray[np.float32] | None:
        """Return the clean image, (Y, X) float32 photo-electrons."""
        finer = slot.height // self._side
        if slot.slot < 0:
            return None
        return (self._clean / finer**2).repeat(finer, 0).repeat(finer, 1)

    def shown(self, message: FrameMessage) -> None:
        """Take the credit back."""
        self._credit += 1

    def command(self, name: str) -> None:
        """Note the command, and answer it."""
        self.commands.append(name)
        if self._answers and name in ("pause", "resume"):
            level, text = ("pause", "paused by a person") if name == "pause" else ("go on", "on")
            self.post(Notice(level, text))
        if self._answers:
            self.post(Reply(name, is_ok=True, text=_ANSWERS.get(name, ""), is_dark=True))

    def close(self) -> None:
        """Nothing is open."""

    # -------------------------------------------------------------------------- what tests steer

    def post(self, message: FromHub) -> None:
        """Send any message with the next poll."""
        self._documents.append(message)

    def end(self, *, status: str = "complete", is_dark: bool = True) -> None:
        """Send the last document."""
        n = self.shot
        self.post(End(n - 1, n, 0, status, "the plan is done", is_dark, {"488": self._dose}))

    def advance(self, shots: int = 1) -> None:
        """Make so many shots at once, with results and decisions; the image only of the last."""
        for _ in range(shots):
            self._one_shot()
        self._clean = self._render()

    def _one_shot(self) -> None:
        self._move()
        applied = self._applied()
        self._dose += applied.dose_j_cm2
        signal = float(np.median(self._bright)) * self._alive * self._exposure_ms / 8.0
        noise = (signal + BACKGROUND_E + READ_E**2) ** 0.5
        snr = 0.75 * signal / noise + 0.08 * float(self._random.standard_normal())
        info = self._info(applied)
        self._newest = FrameMessage(info, self.shot % 8, self.shot, 2 * self._side**2, 0)
        late_ns = self._latency_ns()
        self.post(AppliedMessage(self.shot, self.shot - 1, self.shot, (applied,), late_ns))
        self.post(self._result(info, signal, snr))
        self.post(DecisionMessage(self._decide(snr)))
        self._alive *= 0.9997
        self.shot += 1

    def _move(self) -> None:
        self._speeds += self._random.normal(0.0, 0.12, self._speeds.shape) - 0.04 * self._speeds
        self._places += self._speeds
        low, high = 0.04 * self._side, 0.96 * self._side
        out = (self._places < low) | (self._places > high)
        self._speeds[out] *= -1.0
        self._places = np.clip(self._places, low, high)
        if self.shot % 90 == 60 and len(self._ids) > 4:
            self._divide(int(self._random.integers(2, len(self._ids))))

    def _divide(self, cell: int) -> None:
        step = np.array([3.0, 2.0])
        self._places = np.vstack([self._places, self._places[cell] + step])
        self._places[cell] -= step
        self._speeds = np.vstack([self._speeds, self._speeds[cell] + 0.3])
        self._bright = np.append(self._bright, self._bright[cell])
        self._ids = np.append(self._ids, self._ids.max() + 1)
        self._parents = np.append(self._parents, self._ids[cell])

    def _decide(self, snr: float) -> Decision:
        before, n = self._exposure_ms, 30
        self._snr += 0.1 * (snr - self._snr)
        off = self._snr / TARGET_SNR - 1
        seen = f"SNR {self._snr:.2f}"
        reason = f"{seen} is within 2 % of the target {TARGET_SNR:g}: keep"
        if self.shot % n == n - 1 and off > 0.02:
            self._exposure_ms = max(before * (1 - 1.2 * off), 1.0)
            reason = f"{seen} is above the target {TARGET_SNR:g}: the same with less light"
        elif self.shot % n == n - 1 and off < -0.02:
            self._exposure_ms = min(before * (1 - 1.2 * off), 20.0)
            reason = f"{seen} is below the target {TARGET_SNR:g}: bleaching took signal"
        inputs = {"snr": snr, "target_snr": TARGET_SNR}
        return Decision(
            self.shot, self._settings(), (self.shot,), inputs, reason, "snr-1", has_evidence=True
        )

    # ------------------------------------------------------------------------------- the messages

    def _start(self, origin: str) -> Start:
        side = self._side
        calibration = Calibration(GAIN, OFFSET_ADU, READ_E, SATURATION_ADU, "simulated")
        return Start(
            "fake-0001", self._started_ns, time.time_ns(),
            (CameraInfo("camera", side, side, 0.325, calibration),), RING, self._settings(),
            origin=origin, dose_unit=self._dose_unit, budget_j_cm2={"488": BUDGET_J_CM2},
        )  # fmt: skip

    def _settings(self) -> Settings:
        return Settings((ChannelSettings("GFP", self._exposure_ms, 0.04),))

    def _applied(self) -> Applied:
        return Applied(
            "GFP", "488", 488.0, self._exposure_ms, self._exposure_ms, 0.04, 0.04,
            0.9, 0.9e-3 * self._exposure_ms, self._dose_unit != "relative", self.shot - 1,
        )  # fmt: skip

    def _info(self, applied: Applied) -> FrameInfo:
        return FrameInfo(
            self.shot, "camera", self.shot, time.perf_counter_ns(), self.shot * 0.1,
            Shot(self.shot, 0, 1), 0, Index(self.shot), self._side, self._side,
            (0.0, 0.0, 0.0), applied,
        )  # fmt: skip

    def _result(self, info: FrameInfo, signal: float, snr: float) -> Result:
        n = len(self._ids)
        seen = Observation(
            self.shot, 0, info.t_s, (info.seq,), (info.applied,), n, max(n - 3, 0), snr, signal,
            BACKGROUND_E, 2e-4, int(self.shot % 90 == 60), 0.7,
            TRUST, {"488": self._dose},
        )  # fmt: skip
        tracks = Tracks(
            tuple(self._ids.tolist()), tuple(self._parents.tolist()),
            tuple(self._places[:, 1].tolist()), tuple(self._places[:, 0].tolist()),
            tuple(self._speeds[:, 1].tolist()), tuple(self._speeds[:, 0].tolist()),
            (self.shot,) * n, tuple(int(i % 17 == 5) for i in range(n)),
            tuple(self._bright.tolist()), (78.0,) * n,
        )  # fmt: skip
        born = self.shot % 90 == 60
        events = (TrackEvent("division", int(self._ids[-1]), int(self._parents[-1]), True),) * born
        slot = RestoredSlot(RING, self.shot % 4, self.shot, self._side, self._side)
        return Result(
            self.shot, 0, (info.seq,), seen, tracks, events,
            "unet-s · openvino bf16" if self._has_network else "",
            slot if self._has_network else None, StepTimes(7_400_000, 900_000, 300_000, 200_000,
            60_000, 8_900_000),
            pictures=tuple(self._picture(k, n) for n, k in enumerate(self.looking)),
        )  # fmt: skip

    def _picture(self, kind: str, number: int) -> Picture:
        side = self._side * (1 if kind == "axial" else 2)
        slot = RestoredSlot(RING, 4 + number, self.shot, side, side)
        return Picture(kind, 0.5 if kind == "axial" else 0.0, f"{kind}-fast@1 openvino-bf16", slot)

    def _latency_ns(self) -> int:
        return int(1e6 * (9.0 + self._random.gamma(2.0, 0.7)))

    def _render(self) -> NDArray[np.float32]:
        side = self._side
        image = np.full((side, side), BACKGROUND_E, np.float32)
        reach = np.arange(-16, 17)
        scale = self._alive * self._exposure_ms / 8.0
        for (x, y), bright in zip(self._places, self._bright, strict=True):
            cx, cy = int(x), int(y)
            xs, ys = reach + cx, reach + cy
            xs, ys = xs[(xs >= 0) & (xs < side)], ys[(ys >= 0) & (ys < side)]
            spot = np.exp(-((ys - y) ** 2) / 40.0)[:, None] * np.exp(-((xs - x) ** 2) / 30.0)
            image[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] += (scale * bright * spot).astype("f4")
        return image


_ANSWERS = {
    "stop_light": "every source is off, read back in 3 ms",
    "hold": "the light stays as it is",
    "release": "the policy decides again",
    "stop": "the run ends after this shot",
}
