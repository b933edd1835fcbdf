"""A lease: light that was paid for, from its start to its deadline, and the frames taken in it."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from acquire.burst import FrameLight
from acquire.errors import CameraOverrun, CameraTimeout, LightExpired, LightRefused
from acquire.habit import Habit
from acquire.say import say
from acquire.settings import Applied

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.bounds import GuardRules
    from acquire.camera import Image
    from acquire.dose.budget import Ticket
    from acquire.frame_bounds import Allowed
    from acquire.ports import ExposingCamera
    from acquire.settings import Request
    from acquire.source import LightSource

logger = logging.getLogger(__name__)

_POLL_S = 2e-4  # a frame is noticed so much later at most; proposed
_LOOKS_PER_HEADS_UP = 3  # who was told half a millisecond ago is still awake
_LAST_LOOK = 60  # a frame that late was no habit: nobody is kept awake for it


def _nobody() -> None:
    """Tell nobody."""


def _has_no_time() -> bool:
    return False


@dataclass(slots=True, kw_only=True)
class Lease:
    """Light for one exposure or burst; made by `LightGuard.expose`, and over when its `with` ends.

    Attributes
    ----------
    steps
        Light of each frame, where they differ (`acquire.burst`); the first one's is set by command,
        the others' by the hardware.
    ticket
        The dose that is set aside for it.
    applied
        What the exposure really uses. The dose of light that we blank ourselves is measured, so
        read it after the `with`.
    patience_ns, deadline_ns
        Host clock after which the camera, and then the whole lease, is given up.
    frame_due_ns
        Host clock after which the camera is given up because the next frame did not come.
    frame_ns, zero_ns
        When the last frame came (before it: when the camera was started), host clock, and when the
        camera's own count of time began; 0 where it does not tell.
    ready_ns
        When the last device was set, host clock.
    lit_ns, dark_ns
        When light may first have been on (0: never), and when it was read back as off, host clock.
    nap, heads_up
        Sleep that a STOP LIGHT cuts short; tells others that a frame is due (`acquire.habit`).
    idle
        Uses the time until the next frame, some milliseconds at most; False: there was none to use.
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
    idle: Callable[[], bool] = _has_no_time
    habit: Habit = field(default_factory=Habit)
    steps: tuple[FrameLight, ...] = ()
    ticket: Ticket | None = None
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
    frame_ns: int = 0
    zero_ns: int = 0
    n_popped: int = 0
    is_started: bool = False
    is_clean: bool = False
    is_over: bool = False

    @property
    def is_blanked(self) -> bool:
        """Whether the camera, or a sequencer, blanks the light between exposures."""
        return self.source.gate in ("camera", "sequencer")

    def light_of(self, frame: int) -> FrameLight:
        """Return what one of its frames is exposed with."""
        if self.steps:
            return self.steps[frame]
        return FrameLight(self.allowed.exposure_ms, self.allowed.power_fraction)

    def begin(self, rules: GuardRules) -> None:
        """Let the lease's time run: the camera may use half of the margin, the lease all of it.

        Light that we blank ourselves shines until the last frame has come: it gets the time that
        was reserved, and that margin.
        """
        source, margin_ms = self.source, rules.lease_margin_ms
        extra_ms = rules.frame_margin_ms
        self.frame_patience_ms = source.on_ms(self.allowed.exposure_ms) + extra_ms + margin_ms / 2
        if source.gate == "software":
            extra_ms = rules.switch_allowance_ms
        most_ms = self.on_ms(self.n_frames) + self.n_frames * extra_ms
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
        self.start_camera(self.n_frames)

    def start_camera(self, n_frames: int) -> None:
        """Start the camera, once; raises as `start` does."""
        self.check_stopped()
        if self.is_over or self.now_ns() > self.patience_ns:
            raise LightExpired("the lease is over: ask the guard for a new one")
        if self.is_started:
            raise LightRefused("a lease pays for one sequence, and it was started already")
        self.is_started = True  # first, so that a camera that fails midway is stopped and booked
        self.started_ns = self.frame_ns = self.now_ns()
        self.camera.start(n_frames)
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
                self.frame_ns = self._came_ns(image)
                self._expect_frame()
                return image
            self.check_stopped()
            if not was_running and self.camera.is_overrun():
                raise CameraOverrun(
                    f"the camera's buffer ran over after {self.n_popped} frames: give "
                    "Micro-Manager more memory for it, or expose longer"
                )
            if not was_running or self.now_ns() > self.frame_due_ns:
                why = "does not deliver" if was_running else "ended its sequence"
                raise CameraTimeout(
                    f"the camera {why} after {self.n_popped} of {self.n_frames} frames of "
                    f"{self.allowed.exposure_ms:g} ms; check its cable and trigger{self._hint()}"
                )
            if self.idle():
                continue
            if looks % _LOOKS_PER_HEADS_UP == 0 and looks < _LAST_LOOK:
                self.heads_up()
            looks += 1
            time.sleep(_POLL_S)

    def _came_ns(self, image: Image) -> int:
        """Return when a frame came, host clock, though we may have looked later.

        Micro-Manager counts from a moment that it does not tell; it cannot be later than any frame
        that we already hold says.
        """
        if image.elapsed_ns < 0:
            return image.t_ns
        self.zero_ns = min(self.zero_ns or image.t_ns, image.t_ns - image.elapsed_ns)
        return self.zero_ns + image.elapsed_ns

    def _hint(self) -> str:
        if self.source.gate != "software":
            return ""
        return ", or give a slow one more switch_allowance_ms: its light is not blanked"

    def _expect_frame(self) -> None:
        frame_due_ns = self.now_ns() + int(self.frame_patience_ms * 1e6)
        self.frame_due_ns = min(self.patience_ns, frame_due_ns)

    def truth(self, request: Request) -> Applied:
        """Return what its first frame uses, as commanded and as read back."""
        source, (exposure_ms, power) = self.source, self.light_of(0)
        return Applied(
            channel=self.channel,
            light=source.name,
            wavelength_nm=source.wavelength_nm,
            exposure_ms=exposure_ms,
            exposure_read_ms=self.exposure_read_ms,
            power_fraction=power,
            power_read_fraction=self.power_read_fraction,
            irradiance_w_cm2=source.irradiance_w_cm2(power),
            dose_j_cm2=source.irradiance_w_cm2(power) * self._mean_ms() * 1e-3,
            calibrated=source.is_calibrated,
            decision_id=request.decision_id,
            late=request.late,
            clamped="; ".join(self.allowed.reasons),
        )

    def applied_of(self, frame: int) -> Applied:
        """Return what one of its frames used; its dose is its share of what the lease gave."""
        if not self.steps:
            return self.applied
        first, one = self.steps[0], self.steps[frame]
        longer, stronger = one.exposure_ms / first.exposure_ms, self._strength(one)
        return msgspec.structs.replace(
            self.applied,
            exposure_ms=one.exposure_ms,
            exposure_read_ms=self.exposure_read_ms * longer,
            power_fraction=one.power_fraction,
            power_read_fraction=self.power_read_fraction * stronger,
            irradiance_w_cm2=self.source.irradiance_w_cm2(one.power_fraction),
            dose_j_cm2=self.applied.dose_j_cm2 * self._on_ms(one) / self._mean_ms(),
        )

    def all_applied(self) -> tuple[Applied, ...]:
        """Return what it used: once where its frames are alike, else for each of them."""
        return tuple(self.applied_of(frame) for frame in range(len(self.steps) or 1))

    def reserve_ms(self, allowance_ms: float) -> float:
        """Return the longest time that the light should be on, ms of its first frame's power."""
        on_ms = self.full_ms(self.n_frames)
        if self.is_blanked:
            return on_ms
        delays_ms = self.source.settle_ms + self.source.open_delay_ms + self.source.close_delay_ms
        return on_ms + self.n_frames * allowance_ms + delays_ms

    def on_ms(self, n_frames: int) -> float:
        """Return how long its first frames light the sample if the gate is exact, ms."""
        if not self.steps:
            return n_frames * self.source.on_ms(self.allowed.exposure_ms)
        return sum(self.source.on_ms(one.exposure_ms) for one in self.steps[:n_frames])

    def full_ms(self, n_frames: int) -> float:
        """Return how long its first frames' light would last at the first one's power, ms."""
        if not self.steps:
            return n_frames * self.source.on_ms(self.exposure_read_ms or self.allowed.exposure_ms)
        return sum(map(self._on_ms, self.steps[:n_frames]))

    def _on_ms(self, one: FrameLight) -> float:
        return self.source.on_ms(one.exposure_ms) * self._strength(one)

    def _strength(self, one: FrameLight) -> float:
        """Return a frame's power over the first one's."""
        first = self.steps[0].power_fraction
        return one.power_fraction / first if first else 1.0

    def _mean_ms(self) -> float:
        return self.full_ms(self.n_frames) / self.n_frames

    @property
    def is_whole(self) -> bool:
        """Whether every frame came."""
        return self.n_popped == self.n_frames

    @property
    def steps_exposure(self) -> bool:
        """Whether the camera has to step from exposure to exposure by itself."""
        return len({one.exposure_ms for one in self.steps}) > 1

    @property
    def steps_power(self) -> bool:
        """Whether the light has to step from power to power by itself."""
        return len({one.power_fraction for one in self.steps}) > 1

    @property
    def is_spent(self) -> bool:
        """Whether every frame came, and the camera has blanked the light behind the last one."""
        return self.is_blanked and self.n_popped == self.n_frames

    def final(self) -> Applied:
        """Return what a spent exposure used, each frame's dose included (their mean)."""
        dose_j_cm2 = self.irradiance_given_w_cm2() * self._mean_ms() * 1e-3 if self.lit_ns else 0.0
        return msgspec.structs.replace(self.applied, dose_j_cm2=dose_j_cm2)

    def given_j_cm2(self, closed_ns: int, n_exposed: int) -> float:
        """Return the dose that it gave, J/cm2 or relative; at the worst where it is in doubt.

        Light that the camera blanks is on for the exposures as read back; where it broke off, for
        all that the camera took, and no less than from the last frame until dark. Light that we
        blank is on from the command that opened it until it closed, each with the declared delay;
        where it broke off, no delay is taken away.

        Parameters
        ----------
        closed_ns
            When the command that closed the light was carried out, host clock; 0 where the first
            one did not do it.
        n_exposed
            Frames that the camera took, of a lease that broke off.
        """
        if not self.lit_ns:
            return 0.0
        off_ns = (closed_ns or self.dark_ns) + int(self.source.close_delay_ms * 1e6)
        on_ms = self.full_ms(self.n_frames) if self.is_started else 0.0
        if self.is_clean and not self.is_blanked:
            on_ms = max(on_ms, (off_ns - self.lit_ns) * 1e-6 - self.source.open_delay_ms)
        elif self.is_started and self.is_blanked and not self.is_clean:
            n_came = self.n_popped if self.zero_ns else self.n_popped + self.n_left()
            since_ms = max(0.0, (off_ns - self.frame_ns) * 1e-6)
            on_ms = max(self.full_ms(n_exposed), self.full_ms(n_came) + since_ms)
        elif not self.is_clean:
            on_ms = max(on_ms, (off_ns - self.lit_ns) * 1e-6)
        return self.irradiance_given_w_cm2() * on_ms * 1e-3

    def n_left(self) -> int:
        """Return how many frames nobody fetched; of a camera that does not answer, all."""
        try:
            return self.camera.n_waiting()
        except Exception as error:  # the account goes on, whatever the driver says
            say(logger, logging.WARNING, "the camera does not say what is left: %s", error)
            return max(1, self.n_frames - self.n_popped)

    def irradiance_given_w_cm2(self) -> float:
        """Return the irradiance as commanded or as read back, whichever is more, W/cm2."""
        read = self.power_read_fraction
        power = max(self.light_of(0).power_fraction, read if math.isfinite(read) else 1.0)
        return self.source.irradiance_w_cm2(power)

    def shorten(self) -> bool:
        """Ask for less, where the budget cannot pay for it; return whether it does."""
        return False
