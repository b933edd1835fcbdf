"""What a lease gives: the light of each of its frames, and what all of it amounts to."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from acquire.loop.burst import FrameLight
from acquire.say import say
from acquire.settings import Applied

if TYPE_CHECKING:
    from acquire.dose.budget import Ticket
    from acquire.light.frame_bounds import Allowed
    from acquire.light.ports import ExposingCamera
    from acquire.light.source import LightSource
    from acquire.settings import Request

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class LeaseLight:
    """The light of a lease: what it may be, what it is, and what it was.

    Attributes
    ----------
    steps
        Light of each frame, where they differ (`acquire.loop.burst`); the first one's is commanded,
        the others' by the hardware.
    ticket
        The dose that is set aside for it.
    applied
        What the exposure really uses. The dose of light that we blank ourselves is measured, so
        read it after the `with`.
    frame_ns, zero_ns
        When the last frame came (before it: when the camera was started), host clock, and when the
        camera's own count of time began; 0 where it does not tell.
    lit_ns, dark_ns
        When light may first have been on (0: never), and when it was read back as off, host clock.
    is_clean
        Every frame came, and nothing went wrong.
    """

    source: LightSource
    channel: str
    position: int
    n_frames: int
    allowed: Allowed
    camera: ExposingCamera
    steps: tuple[FrameLight, ...] = ()
    ticket: Ticket | None = None
    applied: Applied = field(init=False)
    exposure_read_ms: float = 0.0
    power_read_fraction: float = 0.0
    lit_ns: int = 0
    dark_ns: int = 0
    frame_ns: int = 0
    zero_ns: int = 0
    n_popped: int = 0
    is_started: bool = False
    is_clean: bool = False

    @property
    def is_blanked(self) -> bool:
        """Whether the camera, or a sequencer, blanks the light between exposures."""
        return self.source.gate in ("camera", "sequencer")

    def light_of(self, frame: int) -> FrameLight:
        """Return what one of its frames is exposed with."""
        if self.steps:
            return self.steps[frame]
        return FrameLight(self.allowed.exposure_ms, self.allowed.power_fraction)

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
