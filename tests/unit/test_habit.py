from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acquire.loop.habit import Habit

MS = 1_000_000


def test_nobody_naps_before_the_first_frame() -> None:
    assert Habit().nap_s(100.0) == 0.0


def test_most_of_a_usual_exposure_is_slept_through() -> None:
    habit = Habit()
    habit.note(20.0, 25 * MS)
    assert 0.020 < habit.nap_s(20.0) < 0.025


@given(
    st.lists(st.tuples(st.floats(1, 1000), st.integers(1, 2000)), min_size=1, max_size=20),
    st.floats(1, 1000),
)
def test_a_nap_is_never_longer_than_the_quickest_frame_took(
    seen: list[tuple[float, int]], exposure_ms: float
) -> None:
    habit = Habit()
    for was_ms, took_ms in seen:
        habit.note(was_ms, took_ms * MS)
    assert 0.0 <= habit.nap_s(exposure_ms) <= min(took for _, took in seen[-8:]) * 1e-3


def test_a_shorter_exposure_is_expected_sooner_a_longer_one_not_later() -> None:
    habit = Habit()
    habit.note(100.0, 110 * MS)
    assert habit.nap_s(10.0) < 0.011
    assert habit.nap_s(1000.0) == habit.nap_s(100.0)


def test_one_slow_frame_is_forgotten() -> None:
    habit = Habit()
    habit.note(10.0, 2000 * MS)
    for _ in range(8):
        habit.note(10.0, 12 * MS)
    assert habit.nap_s(10.0) < 0.012
