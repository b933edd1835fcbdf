"""STOP LIGHT, from another thread and at any moment, and the end of a run."""

from __future__ import annotations

import threading
import time

import pytest

from acquire.errors import (
    LightNotDark,
    LightRefused,
)
from acquire.light.source import LightSource
from tests.light_bench import (
    DIODE,
    LASER,
    ask,
    raising,
    stand,
    take,
)


def test_stop_light_from_another_thread_ends_the_exposure_and_forbids_the_next() -> None:
    at = stand()
    answers: list[bool] = []

    def expose() -> None:
        with at.guard.expose(ask(), "488", 1, 0) as lease:
            thread = threading.Thread(target=lambda: answers.append(at.guard.go_dark()))
            thread.start()
            thread.join()
            assert at.bench.is_dark
            with pytest.raises(LightRefused, match="has not ended yet"):
                at.guard.rearm()
            lease.start()

    with pytest.raises(LightRefused, match="was stopped"):
        expose()
    assert answers == [True]
    assert at.guard.is_stopped
    at.bench.calls.clear()
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    assert at.bench.calls == []
    at.guard.rearm()
    assert not at.guard.is_stopped
    take(at, ask())


@pytest.mark.parametrize("when", ["exposure", "power 488", "open 488"])
def test_stop_light_in_the_middle_of_lighting_up_wins(when: str) -> None:
    at = stand()
    at.bench.faults[when] = lambda: at.guard._stopped.set()
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    assert at.bench.is_dark
    after = at.bench.calls[at.bench.calls.index(when) + 1 :]
    assert not {"power 488", "open 488", "start"} & set(after)


def test_stop_light_is_heard_while_a_device_settles() -> None:
    at = stand(LASER.model_copy(update={"settle_ms": 5000.0}))
    at.bench.faults["power 488"] = lambda: at.guard._stopped.set()
    with pytest.raises(LightRefused, match="was stopped"):
        take(at, ask())
    assert "open 488" not in at.bench.calls


@pytest.mark.parametrize("is_locked", [False, True], ids=["", "driver lets nobody in"])
@pytest.mark.parametrize(("source", "command"), [(LASER, "open 488"), (DIODE, "power 561")])
def test_stop_light_while_a_driver_hangs_is_not_confirmed_and_ends_dark_all_the_same(
    source: LightSource, command: str, is_locked: bool
) -> None:
    at = stand(source)
    hangs, freed = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def hang() -> float:
        hangs.set()
        freed.wait(60)
        at.bench.is_open["Shutter"] = True  # the light comes on after the stop
        at.bench.power[source.name] = 0.5
        return 0.5

    def expose() -> None:
        try:
            take(at, ask(channel=source.name))
        except LightRefused as error:
            errors.append(error)

    at.bench.faults[command] = hang
    if is_locked:
        at.bench.faults[f"dark {source.name}"] = lambda: freed.wait(60) and None
    thread = threading.Thread(target=expose)
    thread.start()
    assert hangs.wait(60)
    begin = time.monotonic()
    assert not at.guard.go_dark()
    assert time.monotonic() - begin < 30
    freed.set()
    thread.join(60)
    assert "was stopped" in str(errors[0])
    assert at.bench.is_dark
    assert "start" not in at.bench.calls
    assert at.guard.go_dark()


def test_stop_light_that_fails_says_so_and_calls_the_keeper() -> None:
    at = stand()
    at.bench.faults["dark 488"] = raising(OSError("gone"))
    assert not at.guard.go_dark()
    assert at.keeper.is_alarmed
    with pytest.raises(LightNotDark, match="check the device"):
        at.guard.rearm()
    assert not at.guard.all_dark()


def test_at_the_end_of_a_run_power_goes_too() -> None:
    at = stand()
    take(at, ask())
    assert at.bench.power["488"] > 0
    assert at.guard.all_dark()
    assert at.bench.power["488"] == 0


def test_a_stream_that_was_stopped_is_not_renewed() -> None:
    at = stand()
    with at.guard.stream(ask(), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        told = len(at.keeper.deadlines)
        at.bench.spend(lease.renew_ns - at.bench.now)
        at.guard._stopped.set()
        with pytest.raises(LightRefused, match="was stopped"):
            lease.renew()
        assert len(at.keeper.deadlines) == told, "the keeper keeps to the deadline that it has"
