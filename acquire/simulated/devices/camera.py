"""The simulated camera as a Micro-Manager device."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from acquire.simulated.devices.camera_modes import CameraModes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from acquire.simulated.devices.stand import Stand
    from acquire.simulated.eye import Exposure

    GetBuffer = Callable[[Sequence[int], DTypeLike], NDArray[Any]]

MIN_EXPOSURE_MS = 0.01
MAX_EXPOSURES = 4096  # of a hardware sequence
POLL_S = 0.05  # of a triggered camera: how often it looks whether it was stopped


class SimulatedCamera(CameraModes):
    """A camera that sees the bench.

    Attributes
    ----------
    Properties
        Exposure (ms; hardware sequences), Binning (1, 2, 4, 8: pixels added after they were read),
        BitDepth (8, 12, 16), ShutterMode (Global, Rolling), Camera (0; 1 and more for a camera
        beside it), Trigger (External: takes a frame whenever camera 0 exposes, and keeps it until
        its own sequence fetches it), Sees (names of lines with spaces between; empty: all),
        AutoShutter (On: its trigger line opens the shutter for each exposure),
        RealTime (On: an exposure takes its time; Off: none).
        Faults: DropFraction (of frames, exposed and lost), Hang (an exposure begins and never
        ends), Refuse, IgnoreSilently, LieReadBack, Delay_ms (frames come so late), Die.
    """

    def __init__(self, stand: Stand | None = None, number: int = 0) -> None:
        super().__init__(stand, number)
        self._exposure_ms = self._told_ms = 10.0
        self._loaded_ms: tuple[float, ...] = ()
        self._running_ms: tuple[float, ...] = ()
        self._max_exposure_ms = 1e9  # until the bench says
        self._stop = threading.Event()
        self._faults.on_death = self.shutdown
        self.set_property_sequence_max_length("Exposure", MAX_EXPOSURES)

    def initialize(self) -> None:
        """Learn the limits from the bench, and let it prepare its first frame."""
        self._bench.prepare()
        self._max_exposure_ms = self._bench.config.max_exposure_ms
        self.set_property_limits("Exposure", (MIN_EXPOSURE_MS, self._max_exposure_ms))

    def shutdown(self) -> None:
        """End an exposure that runs."""
        self._stop.set()

    def get_exposure(self) -> float:
        """Return the exposure of the next frame, ms."""
        self._faults.require_alive("asking for the camera's exposure")
        return self._told_ms if self._faults.lies else self._exposure_ms

    def set_exposure(self, exposure: float) -> None:
        """Set the exposure of the next frame, ms; the frame in flight keeps its own.

        Raises
        ------
        ValueError
            If it is outside the camera's limits; the exposure stays as it was.
        """
        exposure_ms = self._in_limits(exposure)
        if self._faults.obeys(f"setting the camera's exposure to {exposure_ms:g} ms"):
            self._exposure_ms = exposure_ms
        self._told_ms = exposure_ms

    def load_exposure_sequence(self, sequence: Sequence[float]) -> None:
        """Keep exposures, ms, that the frames of a sequence will take one after the other."""
        loaded = tuple(self._in_limits(exposure) for exposure in sequence)
        if self._faults.obeys("loading the camera's exposures"):
            self._loaded_ms = loaded

    def start_exposure_sequence(self) -> None:
        """Let each frame take the next exposure; every acquisition begins with the first."""
        if self._faults.obeys("starting the camera's exposure sequence"):
            self._running_ms = self._loaded_ms

    def stop_exposure_sequence(self) -> None:
        """Let each frame take the one exposure again."""
        self._running_ms = ()

    def _in_limits(self, exposure: float) -> float:
        if not MIN_EXPOSURE_MS <= exposure <= self._max_exposure_ms:  # NaN too
            raise ValueError(
                f"exposure must be {MIN_EXPOSURE_MS} to {self._max_exposure_ms} ms, got {exposure}"
            )
        return float(exposure)

    def start_sequence(self, n: int | None, get_buffer: GetBuffer) -> Iterator[Mapping[str, Any]]:
        """Expose n frames (None: until stopped) and yield what each really used.

        Raises
        ------
        DeviceMissing, SettingRefused
            If the camera is dead, or refuses.
        """
        if not self._faults.obeys("starting the camera"):
            return iter(())
        take = self._fetch if self._eye.is_armed else self._expose
        return take(n, get_buffer)

    def _expose(self, n: int | None, get_buffer: GetBuffer) -> Iterator[Mapping[str, Any]]:
        """Expose frame after frame."""
        bench, eye, faults = self._bench, self._eye, self._faults
        stop = self._stop = _stop_event()
        wait = _Wait(stop)
        taken = 0
        out: NDArray[Any] | None = None
        while (n is None or taken < n) and not (stop.is_set() or faults.is_dead):
            if out is None:  # the slot of a lost frame is used again
                out = get_buffer(eye.shape, eye.dtype)
            table = self._running_ms
            exposure_ms = table[taken % len(table)] if table else self._exposure_ms
            done = bench.expose(exposure_ms * 1e-3, eye.window, out, wait, eye)
            taken += 1
            if faults.delay_s > 0.0 and not wait.was_cut:
                wait(faults.delay_s)
            if done.is_lost or wait.was_cut or faults.is_dead:
                continue
            out = None
            yield self._words(done)

    def _fetch(self, n: int | None, get_buffer: GetBuffer) -> Iterator[Mapping[str, Any]]:
        """Hand over the frames that another camera's exposures made, old ones first."""
        eye, stop = self._eye, _stop_event()
        self._stop = stop
        taken = 0
        while (n is None or taken < n) and not (stop.is_set() or self._faults.is_dead):
            if (kept := eye.fetch(POLL_S)) is None:
                continue
            frame, done = kept
            get_buffer(frame.shape, frame.dtype)[...] = frame
            taken += 1
            yield self._words(done)

    @staticmethod
    def _words(done: Exposure) -> Mapping[str, str]:
        """Say what an exposure used: Micro-Manager's metadata are strings."""
        words = {
            "ExposureUsed_ms": f"{done.exposed_s * 1e3:.9g}",
            "Fluence_J_cm2": f"{done.fluence_j_cm2:.9g}",
            "Power": f"{100.0 * max(done.powers.values()):.9g}",
            "ExperimentTime_s": f"{done.t_s:.9g}",
        }
        if len(done.powers) > 1:
            words |= {
                f"Power-{name}": f"{100.0 * power:.9g}" for name, power in done.powers.items()
            }
        return words


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
