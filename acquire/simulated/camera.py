"""The simulated camera as a Micro-Manager device."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from pymmcore_plus.experimental.unicore import CameraDevice, pymm_property

from acquire.simulated.optics import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from acquire.simulated.bench import Bench

MIN_EXPOSURE_MS = 0.01
SWITCH = ["Off", "On"]


class SimulatedCamera(CameraDevice):  # type: ignore[misc]  # pymmcore-plus is not typed for us
    """A 16-bit camera that sees the bench.

    Attributes
    ----------
    Properties
        Exposure (ms), Binning (1), RealTime (On: an exposure takes its time; Off: none),
        Hang (On: an exposure begins and never ends), DropFraction (of frames, exposed and lost).
    """

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        config = bench.config
        self._bench = bench
        self._exposure_ms = 10.0
        self._max_exposure_ms = config.max_exposure_ms
        self._whole = Window(0, 0, config.width, config.height)
        self._window = self._whole
        self.set_property_limits("Exposure", (MIN_EXPOSURE_MS, self._max_exposure_ms))
        self.set_property_allowed_values("Binning", [1])

    def get_exposure(self) -> float:
        """Return the exposure of the next frame, ms."""
        return self._exposure_ms

    def set_exposure(self, exposure: float) -> None:
        """Set the exposure of the next frame, ms; the frame in flight keeps its own.

        Raises
        ------
        ValueError
            If it is outside the camera's limits; the exposure stays as it was.
        """
        if not MIN_EXPOSURE_MS <= exposure <= self._max_exposure_ms:  # NaN too
            raise ValueError(
                f"exposure must be {MIN_EXPOSURE_MS} to {self._max_exposure_ms} ms, got {exposure}"
            )
        self._exposure_ms = float(exposure)

    def get_binning(self) -> int:
        """Return the binning factor: always 1."""
        return 1

    def set_binning(self, factor: int) -> None:
        """Accept a binning factor of 1."""
        if int(factor) != 1:
            raise ValueError(f"the simulated camera does not bin: factor must be 1, got {factor}")

    def shape(self) -> tuple[int, int]:
        """Return rows and columns that are read out."""
        return self._window.height, self._window.width

    def dtype(self) -> DTypeLike:
        """Return the type of a pixel."""
        return np.uint16

    def get_roi(self) -> tuple[int, int, int, int]:
        """Return the part of the chip that is read out: x, y, width, height."""
        window = self._window
        return window.x, window.y, window.width, window.height

    def set_roi(self, x: int, y: int, width: int, height: int) -> None:
        """Read out only a part of the chip; it is lit as before.

        Raises
        ------
        ValueError
            If the part does not lie on the chip.
        """
        whole = self._whole
        if min(x, y) < 0 or min(width, height) < 1:
            raise ValueError(f"ROI must be positive, got {x, y, width, height}")
        if x + width > whole.width or y + height > whole.height:
            raise ValueError(
                f"ROI {x, y, width, height} is not on the chip, {whole.width} x {whole.height}"
            )
        self._window = Window(x, y, width, height)

    def clear_roi(self) -> None:
        """Read out the whole chip."""
        self._window = self._whole

    @pymm_property(name="RealTime", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def real_time(self) -> str:
        """Whether an exposure takes host time."""
        return SWITCH[self._bench.is_paced]

    @real_time.setter  # type: ignore[untyped-decorator]
    def _set_real_time(self, value: str) -> None:
        self._bench.is_paced = value == "On"

    @pymm_property(name="Hang", allowed_values=SWITCH)  # type: ignore[untyped-decorator]
    def hang(self) -> str:
        """Whether the next exposure never ends."""
        return SWITCH[self._bench.faults.hangs]

    @hang.setter  # type: ignore[untyped-decorator]
    def _set_hang(self, value: str) -> None:
        self._bench.faults.hangs = value == "On"

    @pymm_property(name="DropFraction", limits=(0.0, 1.0))  # type: ignore[untyped-decorator]
    def drop_fraction(self) -> float:
        """Share of frames that are exposed and then lost."""
        return self._bench.faults.drop_fraction

    @drop_fraction.setter  # type: ignore[untyped-decorator]
    def _set_drop_fraction(self, value: float) -> None:
        self._bench.faults.drop_fraction = float(value)

    def start_sequence(
        self,
        n: int | None,
        get_buffer: Callable[[Sequence[int], DTypeLike], NDArray[np.uint16]],
    ) -> Iterator[Mapping[str, Any]]:
        """Expose n frames (None: until stopped) and yield what each really used."""
        stop = _stop_event()
        wait = _Wait(stop)
        taken = 0
        out: NDArray[np.uint16] | None = None
        while (n is None or taken < n) and not stop.is_set():
            if out is None:  # the slot of a lost frame is used again
                out = get_buffer(self.shape(), self.dtype())
            done = self._bench.expose(self._exposure_ms * 1e-3, self._window, out, wait)
            taken += 1
            if done.is_lost or wait.was_cut:
                continue
            out = None
            # In words: Micro-Manager's metadata are strings.
            yield {
                "ExposureUsed_ms": f"{done.exposed_s * 1e3:.9g}",
                "Fluence_J_cm2": f"{done.fluence_j_cm2:.9g}",
                "Power": f"{_percent(done.fluence_j_cm2, done.exposed_s, self._bench):.9g}",
                "ExperimentTime_s": f"{done.t_s:.9g}",
            }


class _Wait:
    """Waits until a time has passed or the acquisition is stopped."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.was_cut = False

    def __call__(self, seconds: float | None) -> float:
        start_ns = time.perf_counter_ns()
        self.was_cut = self._stop.wait(seconds)
        return (time.perf_counter_ns() - start_ns) * 1e-9


def _stop_event() -> threading.Event:
    """Return the event by which the core stops the acquisition that this thread runs.

    A Python device is not told of a stop (pymmcore-plus 0.18.1): its generator is only asked for
    no further frame. The core's acquisition thread carries the event, so that an exposure, or a
    hang, can be cut short. A snap has no such thread.
    """
    event = getattr(threading.current_thread(), "stop_event", None)
    return event if isinstance(event, threading.Event) else threading.Event()


def _percent(fluence_j_cm2: float, exposed_s: float, bench: Bench) -> float:
    """Return the mean power of an exposure, per cent of full."""
    full = bench.config.max_irradiance_w_cm2 * exposed_s
    return 100.0 * fluence_j_cm2 / full if full > 0 and math.isfinite(full) else 0.0
