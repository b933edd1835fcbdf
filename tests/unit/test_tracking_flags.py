"""What was wrong with the shots of a film is told once, with where it was."""

from __future__ import annotations

import pytest

from lightloop.tracking.flags import FEW, Flags, missing_before
from realtime.tracker.doubts import FLOOD, JUMPED, SENTENCES


def test_each_trouble_is_told_once_and_where_it_was() -> None:
    flags = Flags()
    for t in range(40):
        flags.add(t, [JUMPED] * (t in (7, 9)) + [FLOOD] * (10 <= t < 10 + FEW + 1))
    assert flags.sentences() == [
        f"t = 7, 9: {SENTENCES[JUMPED]}",
        f"{FEW + 1} of 40 time points, t = 10 to {10 + FEW}: {SENTENCES[FLOOD]}",
    ]
    assert flags.sentences("field 2")[0].startswith("field 2, t = 7, 9: ")


def test_a_film_without_trouble_has_nothing_to_say() -> None:
    flags = Flags()
    flags.add(0, ())
    assert flags.sentences() == []


@pytest.mark.parametrize(
    ("times", "missing"),
    [
        ([], []),
        ([4], [0]),
        ([0, 7], [0, 0]),  # two do not say what is usual
        ([0, 1, 2, 3], [0, 0, 0, 0]),
        ([0, 1, 4, 5], [0, 0, 2, 0]),
        ([0, 3, 6, 12, 15], [0, 0, 0, 1, 0]),
    ],
)
def test_missing_time_points_are_counted_in_usual_strides(
    times: list[int], missing: list[int]
) -> None:
    assert missing_before(times) == missing
