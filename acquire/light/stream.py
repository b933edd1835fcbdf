"""A stream: one lease for as long as it is renewed, while the camera runs on by itself.

Light and camera do not wait for each other here. A change of power acts at once, so the frame that
is being exposed gets some of both; a change of exposure acts from the first frame that had not
begun. Every frame is told what it was really taken with.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from acquire.light.frame_bounds import Allowed
from acquire.light.lease import Lease

if TYPE_CHECKING:
    from acquire.camera import Image
    from acquire.light.bounds import GuardRules
    from acquire.light.slew import ShotLight
    from acquire.light.streaming import Streaming
    from acquire.settings import Applied, Request

FOR_EVER = 0  # what a camera is told that is to run until it is stopped


@dataclass(frozen=True, slots=True)
class Change:
    """Light that was changed while the camera ran.

    Attributes
    ----------
    at_ns
        When the power was set, host clock.
    in_flight
        The frame that was being exposed then, counted from the stream's start.
    first_frame
        First frame that shows it whole.
    request
        What asked for it.
    """

    applied: Applied
    request: Request
    at_ns: int
    in_flight: int
    first_frame: int


@dataclass(slots=True, kw_only=True)
class Stream(Lease):
    """Light that goes on until it is not renewed; made by `LightGuard.stream`.

    Attributes
    ----------
    n_frames
        Frames of a shot; the stream itself has no end.
    shot
        What its light was admitted as.
    window_ms
        How long it goes on between two renewals, ms.
    n_stale
        Frames that came after a change was set and do not show it.
    last_change
        The change whose first frame came last.
    """

    hands: Streaming = field(init=False)
    shot: ShotLight = field(init=False)
    lag_frames: int = 1
    window_ms: float = 0.0
    renew_ns: int = 0
    n_stale: int = 0
    last_change: Change | None = None
    changes: deque[Change] = field(default_factory=deque)
    unbooked_j_cm2: float = 0.0
    booked_ns: int = 0

    def begin(self, rules: GuardRules) -> None:
        """Let the lease run for a window, and for a frame that is late."""
        margin_ms = rules.lease_margin_ms
        self.frame_patience_ms = self._cycle_ms() + rules.frame_margin_ms + margin_ms / 2
        source, now_ns = self.source, self.now_ns()
        if not self.is_started:  # the switch takes its time, too
            now_ns += int((source.settle_ms + source.open_delay_ms + source.close_delay_ms) * 1e6)
        self.renew_ns = now_ns + int(self.window_ms * 1e6)
        self.patience_ns = self.renew_ns + int(self.frame_patience_ms * 1e6)
        self.deadline_ns = self.patience_ns + int(margin_ms / 2 * 1e6)

    def start(self) -> None:
        """Let the camera run; raises as `Lease.start` does."""
        self.is_clean = True  # so far: what has been given vouches for what is asked next
        self.start_camera(FOR_EVER)

    def pop_truth(self) -> tuple[Image, Applied]:
        """Wait for the next frame, and return it with what it was really taken with.

        Raises
        ------
        CameraTimeout, CameraOverrun, LightRefused
            As `pop` does.
        """
        frame, since_ns = self.n_popped, self.frame_ns
        image = self.pop()
        applied = self._truth_of(frame, since_ns)
        self.unbooked_j_cm2 += applied.dose_j_cm2
        return image, applied

    def due_in_s(self) -> float:
        """Return in how many seconds the next frame may come at the soonest."""
        due_ns = self.frame_ns + int(self.source.on_ms(self.exposure_read_ms) * 1e6)
        return (due_ns - self.now_ns()) * 1e-9

    def renew(self) -> None:
        """Book what was given, and go on; nothing happens while the window lasts.

        Raises
        ------
        LightOverBudget
            If the field's budget cannot pay for more.
        KeeperLost
            If nobody would turn the light off.
        """
        if self.now_ns() >= self.renew_ns:
            self.hands.renew(self)

    def change(self, request: Request) -> bool:
        """Go on with other light; return False if that needs a new lease.

        Raises
        ------
        LightRefused
            If the request is unsafe; the light stays as it is. `LightOverBudget`: it ends.
        SettingRefused
            If a device did not take its value.
        """
        return self.hands.change(self, request)

    @property
    def is_whole(self) -> bool:
        """Whether nothing went wrong until now."""
        return self.is_clean

    @property
    def is_spent(self) -> bool:
        """A stream is never known to have blanked its light: the camera runs on."""
        return False

    def vouched(self) -> tuple[Allowed, ...]:
        """Return its light; with that which frames showed last, where a change is not yet seen."""
        if not self.changes:
            return (self.allowed,)
        shown = Allowed(self.applied.exposure_ms, self.applied.power_fraction)
        return self.allowed, shown

    def shorten(self) -> bool:
        """Ask for half of the window, where the budget cannot pay for it."""
        self.window_ms /= 2
        return self.window_ms >= self._cycle_ms()

    def reserve_ms(self, allowance_ms: float) -> float:
        """Return how long the light may be on until it is renewed, or dark, ms.

        The last frame of a window may have begun just before its end, and the next one as well
        before the light has closed.
        """
        source = self.source
        delays_ms = source.settle_ms + source.open_delay_ms + source.close_delay_ms
        on_ms = self.window_ms + 2 * self._cycle_ms() + self._ahead_ms()
        return on_ms + allowance_ms + delays_ms

    def given_j_cm2(self, closed_ns: int, n_exposed: int) -> float:
        """Return the dose that it gave since this was asked last, J/cm2 or relative.

        Light that the camera blanks: the frames that came, each as it was exposed. When it ends,
        frames that wait, or the one that was cut short, are booked as well, and those that a camera
        which works ahead still holds; where it broke off, no less than from the last frame until
        dark. Light that we blank: all of the time.
        """
        source, until_ns = self.source, self.now_ns()
        if self.is_over:
            until_ns = (closed_ns or self.dark_ns) + int(source.close_delay_ms * 1e6)
        if not self.lit_ns:
            return 0.0
        if not self.is_blanked:
            from_ns = self.booked_ns or self.lit_ns + int(source.open_delay_ms * 1e6)
            self.booked_ns = until_ns
            return self.irradiance_given_w_cm2() * max(0, until_ns - from_ns) * 1e-9
        given_j_cm2, self.unbooked_j_cm2 = self.unbooked_j_cm2, 0.0
        if self.is_over and self.is_started:
            on_ms = source.on_ms(self.exposure_read_ms)
            cut_ms = (until_ns - self.frame_ns) * 1e-6
            n_left = self.n_left()
            if self.is_clean and n_left:
                cut_ms = (n_left + 1) * on_ms
            elif self.is_clean:
                cut_ms = min(cut_ms, on_ms)
            cut_ms += self._ahead_ms()
            given_j_cm2 += self.irradiance_given_w_cm2() * cut_ms * 1e-3
        return given_j_cm2

    def note(self, change: Change) -> None:
        """Remember a change until its first frame has come."""
        self.changes.append(change)

    def _truth_of(self, frame: int, since_ns: int) -> Applied:
        """Return what a frame was taken with that has just come, and that began at `since_ns`."""
        while self.changes and frame >= self.changes[0].first_frame:
            self.last_change = self.changes.popleft()
            self.applied = self.last_change.applied
        self.n_stale += bool(self.changes)
        applied = self.applied
        for change in self.changes:
            if frame >= change.in_flight:
                applied = self._partly(applied, change, frame, since_ns)
        on_ms = self.source.on_ms(applied.exposure_read_ms)
        if not self.is_blanked:
            on_ms = (self.frame_ns - since_ns) * 1e-6  # nobody blanks it between two frames
        dose_j_cm2 = applied.irradiance_w_cm2 * on_ms * 1e-3 if self.lit_ns else 0.0
        return msgspec.structs.replace(applied, dose_j_cm2=dose_j_cm2)

    def _partly(self, before: Applied, change: Change, frame: int, since_ns: int) -> Applied:
        """Return the light of a frame that saw a change of power come, as its mean power."""
        after, share = change.applied, 1.0
        if frame == change.in_flight:
            on_ns = self.source.on_ms(before.exposure_read_ms) * 1e6
            share = 1.0 - min(1.0, max(0.0, (change.at_ns - since_ns) / on_ns))
        power, read, irradiance = (
            (1.0 - share) * old + share * new
            for old, new in (
                (before.power_fraction, after.power_fraction),
                (before.power_read_fraction, after.power_read_fraction),
                (before.irradiance_w_cm2, after.irradiance_w_cm2),
            )
        )
        return msgspec.structs.replace(
            before, power_fraction=power, power_read_fraction=read, irradiance_w_cm2=irradiance
        )

    def _ahead_ms(self) -> float:
        """Return for how long frames were exposed that a camera which works ahead still holds.

        It exposes while it reads out: when it is stopped, whole frames never come.
        """
        return (self.lag_frames - 1) * self._cycle_ms()

    def _cycle_ms(self) -> float:
        return self.source.on_ms(self.allowed.exposure_ms)
