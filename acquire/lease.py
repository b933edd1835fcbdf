"""A lease: light that was paid for, from its start to its deadline, and the frames taken in it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from acquire.errors import CameraTimeout, LightExpired, LightRefused
from acquire.habit import Habit
from acquire.settings import Applied

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.bounds import GuardRules
    from acquire.camera import Image
    from acquire.frame_bounds import Allowed
    from acquire.ports import ExposingCamera
    from acquire.settings import Request
    from acquire.source import LightSource

_POLL_S = 2e-4  # a frame is noticed so much later at most; proposed
_LOOKS_PER_HEADS_UP = 3  # who was told half a millisecond ago is still awake
_LAST_LOOK = 60  # a frame that late was no habit: nobody is kept awake for it


def _nobody() -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Lease:
    """Light for one exposure or burst; made by `LightGuard.expose`, and over when its `with` ends.

    Attributes
    ----------
    applied
        What the exposure really uses. The dose of light that we blank ourselves is measured, so
        read it after the `with`.
    patience_ns, deadline_ns
        Host clock after which the camera, and then the whole lease, is given up.
    frame_due_ns
        Host clock after which the camera is given up because the next frame did not come.
    ready_ns
        When the last device was set, host clock.
    lit_ns, dark_ns
        When light may first have been on (0: never), and when it was read back as off, host clock.
    nap, heads_up
        Sleep that a STOP LIGHT cuts short; tells others that a frame is due (`acquire.habit`).
    is_clean
        Every frame came, and nothing went wrong.
    """

    source: LightSource
    channel: str
    position: int
    n_frames: int
    allowed: Allowed
    camera: ExposingCamera
    check_stopped: Callable[[], None]
    now_ns: Callable[[], int]
    nap: Callable[[float], object] = time.sleep
    heads_up: Callable[[], None] = _nobody
    habit: Habit = field(default_factory=Habit)
    applied: Applied = field(init=False)
    patience_ns: int = 0
    deadline_ns: int = 0
    frame_due_ns: int = 0
    frame_patience_ms: float = 0.0
    exposure_read_ms: float = 0.0
    power_read_fraction: float = 0.0
    ready_ns: int = 0
    started_ns: int = 0
    lit_ns: int = 0
    dark_ns: int = 0
    n_popped: int = 0
    is_started: bool = False
    is_clean: bool = False
    is_over: bool = False

    @property
    def is_blanked(self) -> bool:
        """Whether the camera, or a sequencer, blanks the light between exposures."""
        return self.source.gate in ("camera", "sequencer")

    def begin(self, rules: GuardRules) -> None:
        """Let the lease's time run: the camera may use half of the margin, the lease all of it.

        Light that we blank ourselves shines until the last frame has come: it gets the time that
        was reserved, and that margin.
        """
        source, margin_ms = self.source, rules.lease_margin_ms
        on_ms = source.on_ms(self.allowed.exposure_ms)
        extra_ms = rules.frame_margin_ms
        self.frame_patience_ms = on_ms + extra_ms + margin_ms / 2
        if source.gate == "software":
            extra_ms = rules.switch_allowance_ms
        most_ms = self.n_frames * (on_ms + extra_ms)
        most_ms += source.settle_ms + source.open_delay_ms + source.close_delay_ms
        now_ns = self.now_ns()
        self.patience_ns = now_ns + int((most_ms + margin_ms / 2) * 1e6)
        self.deadline_ns = now_ns + int((most_ms + margin_ms) * 1e6)

    def start(self) -> None:
        """Start the exposures that the lease pays for, once.

        Raises
        ------
        LightExpired
            If the lease is over, or past its deadline.
        LightRefused
            If the exposures were started before, or the light was stopped.
        """
        self.check_stopped()
        if self.is_over or self.now_ns() > self.patience_ns:
            raise LightExpired("the lease is over: ask the guard for a new one")
        if self.is_started:
            raise LightRefused("a lease pays for one sequence, and it was started already")
        self.is_started = True  # first, so that a camera that fails midway is stopped and booked
        self.started_ns = self.now_ns()
        self.camera.start(self.n_frames)
        self._expect_frame()

    def pop(self) -> Image:
        """Wait for the next frame, and return it.

        Raises
        ------
        CameraTimeout
            If no frame comes in time, or the camera ends early.
        LightRefused
            If the light was stopped meanwhile.
        """
        if not self.n_popped and (nap_s := self.habit.nap_s(self.allowed.exposure_ms)):
            self.nap(nap_s)
        looks = 0
        while True:
            was_running = self.camera.is_running()
            image = self.camera.try_pop()
            if image is not None:
                self.check_stopped()  # its light was cut short: it is not what it would say it is
                if not self.n_popped:
                    self.habit.note(self.allowed.exposure_ms, image.t_ns - self.started_ns)
                self.n_popped += 1
                self._expect_frame()
                return image
            if looks % _LOOKS_PER_HEADS_UP == 0 and looks < _LAST_LOOK:
                self.heads_up()
            looks += 1
            self.check_stopped()
            if not was_running or self.now_ns() > self.frame_due_ns:
                why = "does not deliver" if was_running else "ended its sequence"
                raise CameraTimeout(
                    f"the camera {why} after {self.n_popped} of {self.n_frames} frames of "
                    f"{self.allowed.exposure_ms:g} ms; check its cable and trigger{self._hint()}"
                )
            time.sleep(_POLL_S)

    def _hint(self) -> str:
        if self.source.gate != "software":
            return ""
        return ", or give a slow one more switch_allowance_ms: its light is not blanked"

    def _expect_frame(self) -> None:
        frame_due_ns = self.now_ns() + int(self.frame_patience_ms * 1e6)
        self.frame_due_ns = min(self.patience_ns, frame_due_ns)

    def truth(self, request: Request) -> Applied:
        """Return what the exposure uses, as commanded and as read back."""
        source, power = self.source, self.allowed.power_fraction
        return Applied(
            channel=self.channel,
            light=source.name,
            wavelength_nm=source.wavelength_nm,
            exposure_ms=self.allowed.exposure_ms,
            exposure_read_ms=self.exposure_read_ms,
            power_fraction=power,
            power_read_fraction=self.power_read_fraction,
            irradiance_w_cm2=source.irradiance_w_cm2(power),
            dose_j_cm2=source.dose_j_cm2(power, self.exposure_read_ms),
            calibrated=source.is_calibrated,
            decision_id=request.decision_id,
            late=request.late,
            clamped="; ".join(self.allowed.reasons),
        )

    def reserve_ms(self, allowance_ms: float) -> float:
        """Return the longest time that the light should be on, ms."""
        on_ms = self.n_frames * self.source.on_ms(self.allowed.exposure_ms)
        if self.is_blanked:
            return on_ms
        delays_ms = self.source.settle_ms + self.source.open_delay_ms + self.source.close_delay_ms
        return on_ms + self.n_frames * allowance_ms + delays_ms

    @property
    def is_spent(self) -> bool:
        """Whether every frame came, and the camera has blanked the light behind the last one."""
        return self.is_blanked and self.n_popped == self.n_frames

    def final(self) -> Applied:
        """Return what a spent exposure used, each frame's dose included."""
        on_ms = self.source.on_ms(self.exposure_read_ms)
        dose_j_cm2 = self.irradiance_given_w_cm2() * on_ms * 1e-3 if self.lit_ns else 0.0
        return msgspec.structs.replace(self.applied, dose_j_cm2=dose_j_cm2)

    def irradiance_given_w_cm2(self) -> float:
        """Return the irradiance as commanded or as read back, whichever is more, W/cm2."""
        read = self.power_read_fraction
        power = max(self.allowed.power_fraction, read if math.isfinite(read) else 1.0)
        return self.source.irradiance_w_cm2(power)
