"""The light of a calibration: one exposure after the other, each through the guard's door."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from acquire.calibrating.dark_field import DarkSeries
from acquire.calibrating.transfer_fit import FlatField
from acquire.errors import CalibrationRefused
from acquire.settings import ChannelSettings, Request, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from acquire.calibrating.dark_field import DarkField
    from acquire.light.guard import LightGuard
    from acquire.light.lease import Lease
    from acquire.settings import Limits

STEP = math.sqrt(2.0)  # from exposure to exposure; proposed
BURST = 16  # dark frames that are asked for at once
FULL_BELOW = 0.9  # of the noise of the level before: brighter, and yet quieter; proposed


class CameraWalk(msgspec.Struct, frozen=True):
    """How a camera is measured.

    Attributes
    ----------
    shortest_ms, longest_ms
        Exposures to walk through, up and down again.
    step
        Factor from one to the next.
    n_dark, n_flat
        Dark frames, and frames of each exposure (even; half of them on the way up).
    """

    channel: str
    power_fraction: float
    shortest_ms: float
    longest_ms: float
    step: float = STEP
    n_dark: int = 256
    n_flat: int = 8

    def exposures_ms(self) -> tuple[float, ...]:
        """Return the exposures of the way up."""
        count = math.floor(math.log(self.longest_ms / self.shortest_ms, self.step) + 1e-6)
        return tuple(self.shortest_ms * self.step**k for k in range(count + 1))

    def on_s(self) -> float:
        """Return how long the light is on if the camera does not saturate before, s."""
        return self.n_flat * sum(self.exposures_ms()) * 1e-3


def plan_camera_walk(
    channel: str, power_fraction: float, limits: Limits, n_dark: int = 256, n_flat: int = 8
) -> CameraWalk:
    """Plan a walk within the limits of the light.

    Raises
    ------
    CalibrationRefused
        If the limits leave too little room, or the numbers of frames are too small.
    """
    step = min(STEP, limits.max_step_up)
    reach = limits.max_exposure_ms / limits.min_exposure_ms
    if not (step >= 1.05 and reach >= 8.0):
        raise CalibrationRefused(
            f"exposures from {limits.min_exposure_ms:g} to {limits.max_exposure_ms:g} ms in steps "
            f"of {limits.max_step_up:g} times are too few for a calibration: at least 8 times from "
            "min_exposure_ms to max_exposure_ms, and max_step_up of 1.05, are needed "
            "([light.limits] of the config)"
        )
    if n_flat < 8 or n_flat % 4 or n_dark < BURST:
        raise CalibrationRefused(
            f"flat frames come in fours, 8 at least, and dark ones from {BURST} up; got {n_flat} "
            f"and {n_dark}"
        )
    return CameraWalk(
        channel,
        power_fraction,
        limits.min_exposure_ms,
        limits.max_exposure_ms,
        step,
        n_dark,
        n_flat,
    )


@dataclass(slots=True)
class Exposer:
    """Asks the guard for one exposure after the other, all on one place of the slide.

    Attributes
    ----------
    dose
        Dose given so far, J/cm2 or relative, as booked.
    """

    guard: LightGuard
    channel: str
    should_stop: Callable[[], bool] = lambda: False
    dose: float = field(default=0.0, init=False)

    def take(
        self, exposure_ms: float, power_fraction: float, n_frames: int,
        watch: Callable[[Lease], None] | None = None,
    ) -> tuple[NDArray[np.uint16], float]:  # fmt: skip
        """Take frames, and return them, (n, Y, X), with the exposure that the camera reports, ms.

        Parameters
        ----------
        watch
            Called while the light is on, before the first frame is waited for.

        Raises
        ------
        CalibrationRefused
            If the guard gave less than was asked for: the numbers would not be what they seem.
        """
        if self.should_stop():
            raise CalibrationRefused("the calibration was stopped; nothing was stored")
        request = Request(
            Settings((ChannelSettings(self.channel, exposure_ms, power_fraction),)), -1
        )
        frames: list[NDArray[np.uint16]] = []
        with self.guard.expose(request, self.channel, n_frames, 0) as lease:
            if lease.applied.clamped:
                raise CalibrationRefused(
                    f"asked for {exposure_ms:g} ms at {power_fraction:.3g} of the power, and the "
                    f"guard allows less: {lease.applied.clamped}"
                )
            lease.start()
            if watch is not None:
                watch(lease)
            while len(frames) < n_frames:
                frames.append(lease.pop().pixels)
        self.dose += n_frames * lease.applied.dose_j_cm2 if power_fraction else 0.0
        return np.stack(frames), lease.applied.exposure_read_ms


@dataclass(frozen=True, slots=True)
class CameraMeasured:
    """Dark and flat frames of a walk, counted.

    Attributes
    ----------
    dark_current_adu_s
        Rise of the dark level with exposure, ADU/s.
    """

    dark: DarkField
    flat: FlatField
    dark_current_adu_s: float
    dark_exposure_s: float


def walk_camera(
    exposer: Exposer, walk: CameraWalk, say: Callable[[str], None] = lambda _: None
) -> CameraMeasured:
    """Take dark frames, then flat ones up to saturation and down again.

    Raises
    ------
    CalibrationRefused
        If the frames cannot make a calibration, or the guard gives less than was asked.
    """
    say(f"{walk.n_dark} dark frames of {walk.shortest_ms:g} ms")
    dark, dark_ms = _darks(exposer, walk.shortest_ms, walk.n_dark)
    long, long_ms = _darks(exposer, walk.longest_ms, BURST)
    dark = replace(dark, good=dark.good & long.good)  # a hot pixel may need time to show
    rise = float((long.offset - dark.offset)[dark.good].mean(dtype=np.float64))
    flat = FlatField(dark)
    way: list[float] = []
    before = 0.0
    for exposure_ms in walk.exposures_ms():
        way.append(exposure_ms)
        _flats(exposer, walk, flat, exposure_ms, say)
        variance = flat.levels[-1].variance_adu2
        if variance < FULL_BELOW * before:
            break
        before = variance
    for exposure_ms in reversed(way):
        _flats(exposer, walk, flat, exposure_ms, say)
    return CameraMeasured(dark, flat, rise / max(1e-9, (long_ms - dark_ms) * 1e-3), dark_ms * 1e-3)


def _darks(exposer: Exposer, exposure_ms: float, n_frames: int) -> tuple[DarkField, float]:
    series, read_ms = DarkSeries(), exposure_ms
    for begun in range(0, n_frames, BURST):
        frames, read_ms = exposer.take(exposure_ms, 0.0, min(BURST, n_frames - begun))
        for frame in frames:
            series.add(frame)
    return series.done(), read_ms


def _flats(
    exposer: Exposer, walk: CameraWalk, flat: FlatField, exposure_ms: float,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Take half of the frames of one exposure."""
    frames, read_ms = exposer.take(exposure_ms, walk.power_fraction, walk.n_flat // 2)
    found = flat.add(read_ms, frames)
    say(f"{read_ms:9.4g} ms: {found.mean_adu:8.1f} ADU, variance {found.variance_adu2:9.1f} ADU2")
