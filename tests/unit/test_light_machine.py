"""Whatever comes in whatever order: light only within a lease, within budget, and all of it booked.

A stand without hardware is asked for light, its devices fail or answer wrongly, people press STOP
and Ctrl-C; the truth is what shone by the stand's own clock. One fault no software can see is left
out: a device that says it is dark and is not (`docs/light.md`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acquire.errors import LightExpired, LightRefused, ScopeError
from acquire.light.bounds import GuardRules
from acquire.light.source import LightSource
from acquire.settings import Limits, Request
from tests.light_bench import DIODE, LASER, MS, Bench, ask, stand

RED = LASER.model_copy(update={"name": "640", "power_device": "Red", "wavelength_nm": 640.0})
LED = LightSource(name="led", wavelength_nm=470, shutter_device="Lamp", gate="software")
SWITCHED = (LASER, RED, DIODE, LED)
HALOGEN = LightSource(name="halogen", wavelength_nm=550, gate="always-on")
BUDGET = 0.06
LIMITS = Limits(1, 20, 1.0, budget_j_cm2=BUDGET, max_step_up=3)
RULES = GuardRules(lease_margin_ms=10, frame_margin_ms=1, tries=3, hold_shots=1, dark_after=3)

COMMANDS = (
    "exposure", "announce", "lease", "lease closed", "alarm", "start", "running", "pop", "stop",
    *(f"{word} {light.name}" for word in ("power", "open", "close", "ask", "dark")
      for light in SWITCHED),
)  # fmt: skip
SAYS_ON = {"close": True, "ask": True, "dark": 0, "open": 0}  # and nothing was done
UNSURE = st.sampled_from([0.1, 0.5, 1.0, 1.0, 5.0, -1.0, 0.0, float("nan"), float("inf")])


class Crash(Exception):
    """The code between the opening and the closing of the light fails."""


class Light(RuleBasedStateMachine):
    """A guard, a stand, and what is known of them."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("acquire.light.darkness._RETRY_S", 0.0)
        self.patch.setattr("acquire.light.lease._POLL_S", 0.0)
        bench = Bench()
        self.at = stand(*SWITCHED, HALOGEN, limits=LIMITS, rules=RULES, bench=bench)
        self.bench, self.guard = bench, self.at.guard
        self.guard._stopped.wait = self.nap  # type: ignore
        self.has_failed = False

    def nap(self, nap_s: float) -> None:
        """Let time pass; a camera that was started exposes meanwhile."""
        if self.bench.is_running:
            self.guard._camera.expose()  # type: ignore
        else:
            self.bench.spend(int(nap_s * 1e9))

    # What people and policies do.

    @rule(
        light=st.sampled_from([*SWITCHED, HALOGEN]),
        exposure_ms=st.sampled_from([0.5, 1.0, 10.0, 20.0, 50.0]),
        power=st.sampled_from([0.01, 0.1, 0.5, 1.0]),
        n_frames=st.integers(1, 3),
        position=st.integers(0, 1),
        deed=st.sampled_from(["take", "take", "take", "leave", "crash", "ctrl-c", "stop"]),
        goes_on=st.sampled_from([True, True, True, False]),
    )
    def expose(
        self,
        light: LightSource,
        exposure_ms: float,
        power: float,
        n_frames: int,
        position: int,
        deed: str,
        goes_on: bool,
    ) -> None:
        if goes_on and self.guard.is_stopped:
            self.rearm()
        self.try_to(ask(exposure_ms, power, light.name), light, n_frames, position, deed)

    @rule(light=st.sampled_from(SWITCHED), power=st.sampled_from([0.1, 0.5, 1.0]))
    def take_one(self, light: LightSource, power: float) -> None:
        if self.guard.is_stopped:
            self.rearm()
        self.try_to(ask(10.0, power, light.name), light, 1, 0, "take")

    @rule(
        light=st.sampled_from([*SWITCHED, HALOGEN]),
        exposure_ms=UNSURE.map(lambda x: 10 * x),
        power=UNSURE,
        n_frames=st.integers(0, 3),
        position=st.integers(0, 1),
        has_evidence=st.booleans(),
        late=st.integers(0, 4),
        valid_ms=st.sampled_from([0, 50]),
    )
    def ask_for_anything(
        self,
        light: LightSource,
        exposure_ms: float,
        power: float,
        n_frames: int,
        position: int,
        has_evidence: bool,
        late: int,
        valid_ms: int,
    ) -> None:
        until_ns = valid_ms and self.bench.now + valid_ms * MS
        request = ask(
            exposure_ms, power, light.name, has_evidence=has_evidence, late=late,
            valid_until_ns=until_ns,
        )  # fmt: skip
        self.try_to(request, light, n_frames, position, "take")

    @rule(light=st.sampled_from(SWITCHED))
    def ask_too_late(self, light: LightSource) -> None:
        before = len(self.bench.calls)
        request = ask(channel=light.name, valid_until_ns=self.bench.now - 1)
        ended = self.try_to(request, light, 1, 0, "take")
        assert isinstance(ended, LightExpired) or self.guard.is_stopped
        assert self.bench.calls[before:] == []

    def try_to(
        self, request: Request, light: LightSource, n_frames: int, position: int, deed: str
    ) -> BaseException | None:
        was_stopped, before = self.guard.is_stopped, len(self.bench.calls)
        with self.outcome() as ended:
            self.take(request, light, n_frames, position, deed)
        if was_stopped:
            assert isinstance(ended[0], LightRefused)
            assert self.bench.calls[before:] == []  # refused before any device is touched
        return ended[0]

    def take(
        self, request: Request, light: LightSource, n_frames: int, position: int, deed: str
    ) -> None:
        with self.guard.expose(request, light.name, n_frames, position) as lease:
            if light.is_switchable and lease.allowed.power_fraction > 0:  # set aside is spent
                assert self.at.ledger.spent(position, light.name) <= BUDGET * (1 + 1e-9)
            assert lease.applied.exposure_ms <= LIMITS.max_exposure_ms
            assert lease.applied.power_fraction <= LIMITS.max_power_fraction
            assert self.bench.now < lease.deadline_ns == self.at.keeper.deadlines[-1]
            if deed == "leave":
                return
            lease.start()
            for _ in range(n_frames):
                lease.pop()
                if deed == "crash":
                    raise Crash
                if deed == "ctrl-c":
                    raise KeyboardInterrupt
                if deed == "stop":
                    self.guard.go_dark()
                    with pytest.raises(LightRefused):  # its light was cut short: it is no frame
                        lease.pop()

    @rule()
    def stop_light(self) -> None:
        with self.outcome() as ended:
            is_dark = self.guard.go_dark()
            assert is_dark or self.at.keeper.is_alarmed
        assert self.guard.is_stopped
        assert not isinstance(ended[0], ScopeError)  # STOP LIGHT answers, it does not complain

    @precondition(lambda self: self.guard.is_stopped)
    @rule()
    def rearm(self) -> None:
        with self.outcome() as ended:
            self.guard.rearm()
            self.at.keeper.is_alarmed = False
        assert self.guard.is_stopped == (ended[0] is not None)

    @rule(ms=st.sampled_from([1, 100]))
    def wait(self, ms: int) -> None:
        self.bench.spend(ms * MS)

    # What devices do.

    @rule(
        command=st.sampled_from(COMMANDS),
        kind=st.sampled_from(["raises", "ctrl-c", "says on", "does it and raises"]),
        times=st.sampled_from([1, 2, 10**6]),
    )
    def fail(self, command: str, kind: str, times: int) -> None:
        self.has_failed = True
        self.bench.faults[command] = self.fault(command, kind, times)

    @rule(
        light=st.sampled_from(SWITCHED), kind=st.sampled_from(["says on", "raises"]),
        deed=st.sampled_from(["take", "crash"]), ms=st.sampled_from([0, 100]),
    )  # fmt: skip
    def stick(self, light: LightSource, kind: str, deed: str, ms: int) -> None:
        """A light stays on whatever it is told, and says so, or says nothing at all."""
        if self.guard.is_stopped:
            self.rearm()
        self.has_failed = True
        for word in ("close", "ask", "dark"):
            command = f"{word} {light.name}"
            self.bench.faults[command] = self.fault(command, kind, 10**6)
        self.try_to(ask(10.0, 1.0, light.name), light, 1, 1, deed)
        self.bench.spend(ms * MS)

    @precondition(lambda self: self.bench.faults)
    @rule()
    def heal(self) -> None:
        self.bench.faults.clear()

    def fault(self, command: str, kind: str, times: int) -> Callable[[], Any]:
        left = iter(range(1 if kind == "ctrl-c" else times))
        word, _, name = command.partition(" ")

        def fails() -> Any:
            if next(left, None) is None:
                return None
            if kind == "ctrl-c":
                raise KeyboardInterrupt
            if kind == "says on" and word in SAYS_ON:
                return SAYS_ON[word]
            if kind == "does it and raises" and word == "open":
                light = next(one for one in SWITCHED if one.name == name)
                self.bench.is_open[light.shutter_device] = True
            raise OSError("serial port")

        return fails

    @contextlib.contextmanager
    def outcome(self) -> Iterator[list[BaseException | None]]:
        """Let what may end an exposure pass; nothing else may come of it."""
        ended: list[BaseException | None] = [None]
        try:
            yield ended
        except (ScopeError, OSError, KeyboardInterrupt, Crash) as error:
            ended[0] = error

    # What must hold between any two of these.

    @invariant()
    def it_is_dark_or_somebody_was_called(self) -> None:
        if any(self.bench.shines(light) for light in SWITCHED):
            assert self.at.keeper.is_alarmed or "alarm" in self.bench.faults
            assert self.guard.is_stopped

    @invariant()
    def nothing_is_reserved_for_ever(self) -> None:
        assert not self.at.ledger._open

    @invariant()
    def no_field_passes_its_budget_while_devices_obey(self) -> None:
        if not self.has_failed:
            for light in SWITCHED:
                for position in (0, 1):  # one that broke off is booked with its last commands
                    assert self.at.ledger.spent(position, light.name) <= BUDGET * 1.01

    def teardown(self) -> None:
        """In the end the devices obey, it is dark, and no light is missing from the account."""
        try:
            self.bench.faults.clear()
            assert self.guard.all_dark()
            assert not any(self.bench.shines(light) for light in SWITCHED)
            booked = self.at.ledger.totals()
            for name, shone in self.bench.lit_s.items():
                assert booked[name] >= shone * (1 - 1e-9), name
        finally:
            self.patch.undo()


Light.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_light_is_only_within_a_lease_and_within_budget_and_all_of_it_is_booked = Light.TestCase
