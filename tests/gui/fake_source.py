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
)
from tests.gui.fake_cells import FakeCells

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
        self._cells = FakeCells(self._random, side_px, n_cells)
        self._exposure_ms, self._alive, self._dose, self._snr = 8.0, 1.0, 0.0, TARGET_SNR
        self._clean = self._image()
        self._credit = 1
        self._newest: FrameMessage | None = None
        self._started_ns = time.perf_counter_ns()
        self._documents: list[FromHub] = [self._start(origin)]

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
        self._clean = self._image()

    def _one_shot(self) -> None:
        self._cells.move(divide=self._is_birth)
        applied = self._applied()
        self._dose += applied.dose_j_cm2
        signal = float(np.median(self._cells.bright)) * self._light
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

    @property
    def _is_birth(self) -> bool:
        return self.shot % 90 == 60

    @property
    def _light(self) -> float:
        """What is left of the dye, times exposure over 8 ms."""
        return self._alive * self._exposure_ms / 8.0

    def _image(self) -> NDArray[np.float32]:
        return self._cells.image(BACKGROUND_E, self._light)

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
        n = len(self._cells.ids)
        seen = Observation(
            self.shot, 0, info.t_s, (info.seq,), (info.applied,), n, max(n - 3, 0), snr, signal,
            BACKGROUND_E, 2e-4, int(self._is_birth), 0.7,
            TRUST, {"488": self._dose},
        )  # fmt: skip
        tracks = self._cells.tracks(self.shot)
        events = (self._cells.youngest(),) * self._is_birth
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


_ANSWERS = {
    "stop_light": "every source is off, read back in 3 ms",
    "hold": "the light stays as it is",
    "release": "the policy decides again",
    "stop": "the run ends after this shot",
}
