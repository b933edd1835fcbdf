"""What the light of a stream vouches for while it runs: only what enough frames have shown."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest

from acquire.errors import LightRefused
from acquire.light.stream import Stream
from acquire.settings import Limits
from tests.light_bench import Stand, ask, stand, take

STEPS = Limits(1, 100, 1.0, budget_j_cm2=1e6, max_step_up=2.0)


def after(power: float, n_frames: int = 1) -> Stand:
    """Return a stand whose field had a shot of 10 ms frames at this power."""
    at = stand(limits=STEPS)
    take(at, ask(10, power), n_frames)
    return at


def allowed(lease: Stream, exposure_ms: float, power: float) -> float:
    """Ask for other light; return the power that it gets."""
    assert lease.change(ask(exposure_ms, power))
    return lease.allowed.power_fraction


@pytest.mark.parametrize(("n_shown", "most"), [(0, 0.2), (1, 0.2), (2, 0.4), (3, 0.4)])
def test_light_bounds_what_comes_next_once_as_many_frames_as_a_shot_has_have_shown_it(
    n_shown: int, most: float
) -> None:
    at = after(0.1, n_frames=2)
    with at.guard.stream(ask(10, 1.0), "488", 2, 0) as lease:
        lease.start()
        assert lease.allowed.power_fraction == pytest.approx(0.2)
        for _ in range(n_shown):
            lease.pop_truth()
        assert allowed(lease, 10, 1.0) == pytest.approx(most)


def test_a_change_that_no_frame_has_shown_takes_nothing_away_and_gives_nothing() -> None:
    at = after(0.2)
    with at.guard.stream(ask(10, 0.2), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert allowed(lease, 10, 0.05) == 0.05
        assert lease.changes
        assert allowed(lease, 10, 0.3) == 0.3, "up to twice what frames have shown"
        assert allowed(lease, 10, 1.0) == pytest.approx(0.4)


def refused(lease: Stream) -> None:
    """Ask for what no stream gets: it goes on as it was."""
    with pytest.raises(LightRefused):
        lease.change(ask(10, 0.1, late=99))


def test_who_asks_again_gets_no_more_for_it() -> None:
    at = after(0.1)
    with at.guard.stream(ask(10, 0.1), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        for _ in range(3):
            refused(lease)
        assert allowed(lease, 80, 0.1) == pytest.approx(0.1 * 2 / 8), "twice the dose of 10 ms"


def test_a_stream_that_was_asked_in_vain_vouches_for_one_shot_and_not_for_two() -> None:
    at = after(0.1)
    with at.guard.stream(ask(10, 0.1), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        refused(lease)
    with at.guard.stream(ask(80, 0.1), "488", 1, 0) as lease:
        assert lease.allowed.power_fraction == pytest.approx(0.1 * 2 / 8)


def test_a_stream_that_breaks_off_after_a_change_vouches_for_what_was_shown_before_it() -> None:
    at = after(0.1)
    with suppress(RuntimeError), at.guard.stream(ask(10, 0.2), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        assert allowed(lease, 10, 0.4) == pytest.approx(0.4)
        raise RuntimeError
    with at.guard.stream(ask(10, 1.0), "488", 1, 0) as lease:
        assert lease.allowed.power_fraction == pytest.approx(0.4), "twice what was shown"


def test_what_is_asked_for_without_evidence_is_no_more_than_frames_have_shown() -> None:
    at = after(0.1)
    with at.guard.stream(ask(10, 0.2), "488", 1, 0) as lease:
        lease.start()
        lease.pop_truth()
        request = msgspec.structs.replace(ask(10, 1.0), has_evidence=False)
        assert lease.change(request)
        assert lease.allowed.power_fraction == pytest.approx(0.2)
