"""A lease: light that was paid for, from its start to its deadline, and the frames taken in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acquire.errors import CameraOverrun, CameraTimeout, LightExpired, LightRefused
from acquire.light.lease_light import LeaseLight
from acquire.loop.habit import Habit

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquire.camera import Image
    from acquire.light.bounds import GuardRules
    from acquire.light.frame_bounds import Allowed

_POLL_S = 2e-4  # a frame is noticed so much later at most; proposed
_LOOKS_PER_HEADS_UP = 3  # who was told half a millisecond ago is still awake
_LAST_LOOK = 60  # a frame that late was no habit: nobody is kept awake for it


def _nobody() -> None:
    """Tell nobody."""


def _has_no_time() -> bool:
    return False


@dataclass(slots=True, kw_only=True)
class Lease(LeaseLight):
    """Light for one exposure or burst; made by `LightGuard.expose`, and over when its `with` ends.

    Attributes
    ----------
    patience_ns, deadline_ns
        Host clock after which the camera, and then the whole lease, is given up.
    frame_due_ns
        Host clock after which the camera is given up because the next frame did not come.
    ready_ns
        When the last device was set, host clock.
    n_ended, has_darkened, is_settled
        How many steps of its end were begun (`acquire.light.ending`); whether its light was ended,
        or its keeper called; whether it is booked.
    nap, heads_up
        Sleep that a STOP LIGHT cuts short; tells others that a frame is due (`acquire.loop.habit`).
    idle
        Uses the time until the next frame, some milliseconds at most; False: there was none to use.
    """

    check_stopped: Callable[[], None]
    now_ns: Callable[[], int]
    nap: Callable[[float], object] = time.sleep
    heads_up: Callable[[], None] = _nobody
    idle: Callable[[], bool] = _has_no_time
    habit: Habit = field(default_factory=Habit)
    patience_ns: int = 0
    deadline_ns: int = 0
    frame_due_ns: int = 0
    frame_patience_ms: float = 0.0
    ready_ns: int = 0
    started_ns: int = 0
    is_over: bool = False
    n_ended: int = 0
    has_darkened: bool = False
    is_settled: bool = False

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

    def vouched(self) -> tuple[Allowed, ...]:
        """Return the light of each frame; where it may have been one of several, all of them."""
        return (self.allowed,)

    def shorten(self) -> bool:
        """Ask for less, where the budget cannot pay for it; return whether it does."""
        return False
