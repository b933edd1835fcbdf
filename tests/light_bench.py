"""A stand without hardware for tests of light: its truth is what really shone, by its own clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from acquire.camera import Image
from acquire.dose import Ledger
from acquire.errors import KeeperLost
from acquire.light.bounds import GuardRules
from acquire.light.guard import LightGuard
from acquire.light.source import LightSource
from acquire.settings import ChannelSettings, Limits, Request, Settings

LASER = LightSource(
    name="488", wavelength_nm=488, power_device="Laser", power_property="Power",
    shutter_device="Shutter", gate="camera",
)  # fmt: skip
DIODE = LightSource(
    name="561", wavelength_nm=561, power_device="Diode", power_property="Power", gate="software"
)
GATED_DIODE = DIODE.model_copy(update={"gate": "camera"})
LED = LightSource(name="led", wavelength_nm=470, shutter_device="Lamp", gate="software")
LIMITS = Limits(min_exposure_ms=1, max_exposure_ms=100, max_power_fraction=0.8, budget_j_cm2=10)
MS = 1_000_000


@dataclass
class Bench:
    """The truth: a clock that moves with every command, and what each light did.

    `faults` maps a command such as "open 488" or "exposure" to what happens instead of it.
    """

    sources: tuple[LightSource, ...] = (LASER,)
    now: int = 10**12
    power: dict[str, float] = field(default_factory=dict)
    is_open: dict[str, bool] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lit_s: dict[str, float] = field(default_factory=dict)
    faults: dict[str, Callable[[], Any]] = field(default_factory=dict)
    exposure_ms: float = 0.0
    waiting: int = 0
    taken: int = 0
    step: int = 0
    is_running: bool = False
    is_exposing: bool = False
    is_endless: bool = False
    frame_ends_ns: int = 0
    latched_ms: float = 0.0
    lit_at_start: float = 0.0
    truth: list[tuple[float, float]] = field(default_factory=list)
    """Of a stream: exposure (ms) and dose (s of full power) of each whole frame."""
    is_overrun: bool = False
    can_step: bool = True
    tells_time: bool = False
    """Whether frames say when the camera had them, from a moment of its own on."""
    backlog: list[Image] = field(default_factory=list)
    exposures_ms: list[float] = field(default_factory=list)
    powers: dict[str, list[float]] = field(default_factory=dict)

    def now_ns(self) -> int:
        return self.now

    def spend(self, ns: int) -> None:
        """Let time pass; whoever is lit meanwhile is on record, and a stream goes on."""
        while self.is_endless and self.is_running and self.now + ns >= self.frame_ends_ns:
            passed = self.frame_ends_ns - self.now
            ns -= passed
            self._pass(passed)
            self._end_frame()
        self._pass(ns)

    def start_stream(self) -> None:
        self.is_exposing, self.latched_ms = True, self.exposure_ms
        self.frame_ends_ns = self.now + int(self.latched_ms * MS)
        self.lit_at_start = sum(self.lit_s.values())

    def _end_frame(self) -> None:
        """End a frame of a stream; the next one begins, with the exposure that is set now."""
        lit_s = sum(self.lit_s.values())
        self.truth.append((self.latched_ms, lit_s - self.lit_at_start))
        self.lit_at_start = lit_s
        self.backlog.append(Image(np.zeros((2, 2), np.uint16), self.taken, self.now))
        self.taken += 1
        self.latched_ms = self.exposure_ms
        self.frame_ends_ns = self.now + int(self.latched_ms * MS)

    def _pass(self, ns: int) -> None:
        self.now += ns
        for source in self.sources:
            is_blanked = source.gate == "camera" and not self.is_exposing
            if self.shines(source) and not is_blanked:
                lit = self.lit_s.get(source.name, 0.0)
                power = self.power.get(source.name, 0.0) if source.power_device else 1.0
                self.lit_s[source.name] = lit + ns * 1e-9 * power

    def shines(self, source: LightSource) -> bool:
        """Whether it is lit, or would be as soon as the camera lets it."""
        if source.shutter_device and not self.is_open.get(source.shutter_device, False):
            return False
        return not source.power_device or self.power.get(source.name, 0.0) > 0

    @property
    def is_dark(self) -> bool:
        return not any(self.shines(source) for source in self.sources)

    def call(self, name: str) -> Any:
        """Note a command; each takes 10 us. A fault may raise, or answer in the device's place."""
        self.calls.append(name)
        self.spend(10_000)
        return self.faults[name]() if name in self.faults else None


class FakeLights:
    """The port of the lights, over a bench."""

    def __init__(self, bench: Bench) -> None:
        self.sources = bench.sources
        self._bench = bench

    def set_power(self, source: LightSource, fraction: float) -> float:
        lie = self._bench.call(f"power {source.name}")
        if not source.power_device:
            return 1.0
        if lie is None:
            self._bench.power[source.name] = fraction
        return self._bench.power.get(source.name, 0.0) if lie is None else lie

    def set_open(self, source: LightSource, is_open: bool) -> bool:
        lie = self._bench.call(f"{'open' if is_open else 'close'} {source.name}")
        if lie is not None:
            return bool(lie)
        if source.shutter_device:
            self._bench.is_open[source.shutter_device] = is_open
        elif not is_open:
            self._bench.power[source.name] = 0.0
        if not is_open:
            self._bench.powers.pop(source.name, None)
        return self._is_open(source)

    def is_lit(self, source: LightSource) -> bool:
        lie = self._bench.call(f"ask {source.name}")
        return self._is_open(source) if lie is None else bool(lie)

    def can_step(self, source: LightSource, n_frames: int) -> bool:
        return self._bench.can_step

    def step_power(self, source: LightSource, fractions: Sequence[float]) -> None:
        self._bench.call(f"steps {source.name}")
        self._bench.powers[source.name] = list(fractions)

    def dark(self, source: LightSource) -> bool:
        lie = self._bench.call(f"dark {source.name}")
        if lie is not None:
            return bool(lie)
        self._bench.is_open[source.shutter_device] = False
        self._bench.power[source.name] = 0.0
        return not self._bench.shines(source)

    def _is_open(self, source: LightSource) -> bool:
        if source.shutter_device:
            return self._bench.is_open.get(source.shutter_device, False)
        return not source.power_device or self._bench.power.get(source.name, 0.0) > 0


class FakeCamera:
    """A camera that takes its time on the bench's clock."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def set_exposure(self, exposure_ms: float) -> float:
        lie = self._bench.call("exposure")
        self._bench.exposure_ms = exposure_ms if lie is None else lie
        return self._bench.exposure_ms

    def can_step(self, n_frames: int) -> bool:
        return self._bench.can_step

    def step_exposures(self, exposures_ms: Sequence[float]) -> None:
        self._bench.call("steps")
        self._bench.exposures_ms = list(exposures_ms)

    def start(self, n_frames: int) -> None:
        self._bench.call("start")
        self._bench.waiting = n_frames or 10**9
        self._bench.is_endless = not n_frames
        self._bench.step = 0
        self._bench.is_running = True
        if self._bench.is_endless:
            self._bench.start_stream()

    def n_waiting(self) -> int:
        fault = self._bench.faults.get("waiting")
        return fault() if fault else len(self._bench.backlog)

    def is_overrun(self) -> bool:
        return self._bench.is_overrun

    def try_pop(self) -> Image | None:
        bench = self._bench
        if bench.call("pop") is not None or not (bench.waiting or bench.backlog):
            bench.spend(MS)
            return None
        if bench.is_endless and not bench.backlog:
            bench.spend(MS // 10)
            return None
        if not bench.backlog:
            self.expose()
        return replace(bench.backlog.pop(0), t_ns=bench.now)

    def expose(self) -> None:
        """Take one more frame, which then waits to be fetched."""
        bench = self._bench
        exposures_ms = bench.exposures_ms or [bench.exposure_ms]
        for name, powers in bench.powers.items():
            bench.power[name] = powers[bench.step % len(powers)]
        bench.is_exposing = True
        bench.spend(int(exposures_ms[bench.step % len(exposures_ms)] * MS))
        bench.is_exposing = False
        bench.step += 1
        bench.waiting -= 1
        bench.taken += 1
        bench.is_running = bench.waiting > 0
        elapsed_ns = bench.now - 10**12 if bench.tells_time else -1
        image = Image(np.zeros((2, 2), np.uint16), bench.taken - 1, bench.now, elapsed_ns)
        bench.backlog.append(image)

    def is_running(self) -> bool:
        lie = self._bench.call("running")
        return self._bench.is_running if lie is None else bool(lie)

    def stop(self) -> None:
        self._bench.call("stop")
        self._bench.is_running = self._bench.is_exposing = self._bench.is_endless = False
        self._bench.exposures_ms = []


class FakeKeeper:
    """Writes down what it is told."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.deadlines: list[int] = []
        self.is_alarmed = False

    def announce(self, deadline_ns: int) -> None:
        self._bench.call("announce")
        self.deadlines.append(deadline_ns)

    def confirm(self) -> None:
        if self._bench.call("lease") is not None:
            raise KeeperLost("no answer")

    def close(self) -> None:
        self._bench.call("lease closed")

    def alarm(self) -> None:
        self.is_alarmed = True
        self._bench.call("alarm")


@dataclass
class Stand:
    """A guard over a bench, with everything that it was made of."""

    bench: Bench
    guard: LightGuard
    ledger: Ledger
    keeper: FakeKeeper


def stand(
    *sources: LightSource,
    limits: Limits = LIMITS,
    rules: GuardRules | None = None,
    bench: Bench | None = None,
    steps_ms: dict[str, float] | None = None,
) -> Stand:
    """Make a guard; each light has a channel of the same name."""
    bench = bench or Bench()
    bench.sources = sources or (LASER,)
    keeper = FakeKeeper(bench)
    ledger = Ledger({source.name: limits.budget_j_cm2 for source in bench.sources})
    guard = LightGuard(
        FakeLights(bench),
        FakeCamera(bench),
        keeper,
        ledger,
        {source.name: source for source in bench.sources},
        {source.name: limits for source in bench.sources},
        rules,
        bench.now_ns,
        steps_ms=steps_ms,
    )
    bench.calls.clear()
    return Stand(bench, guard, ledger, keeper)


def ask(
    exposure_ms: float = 10.0, power: float = 0.5, channel: str = "488", **about: Any
) -> Request:
    """Make a request for one channel."""
    settings = Settings((ChannelSettings(channel, exposure_ms, power),))
    return Request(settings, **({"decision_id": 7} | about))


def take(at: Stand, request: Request, n_frames: int = 1, position: int = 0) -> Any:
    """Take one exposure as the loop does, and return its lease."""
    channel = request.settings.channels[0].channel
    with at.guard.expose(request, channel, n_frames, position) as lease:
        lease.start()
        for _ in range(n_frames):
            lease.pop()
    return lease


def lie_first(times: int, then: Any = None) -> Callable[[], Any]:
    """Return a fault that answers "still on" so many times, and then obeys."""
    left = iter([True] * times)
    return lambda: next(left, then)


def raising(error: BaseException, times: int = 10**9) -> Callable[[], Any]:
    """Return a fault that raises so many times, and then obeys."""
    left = iter([error] * times) if times < 10**6 else iter(lambda: error, None)

    def fault() -> None:
        found = next(left, None)
        if found is not None:
            raise found

    return fault
