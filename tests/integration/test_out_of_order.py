"""Frames and messages that come in another order than they were made: what is lost is declared."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.recorder import record
from realtime.run_file import RunReader, examine
from realtime.wire import End, FrameMessage, FromHub, Gap, Notice
from tests.stream_session import Session, image, info, next_of
from tests.unit import run_samples as samples
from tests.unit.test_recorder import FakeClient, frames


def kept_in_turn(order: list[int]) -> list[int]:
    """Return the numbers that are larger than all before them: the others come too late."""
    kept: list[int] = []
    for seq in order:
        if not kept or seq > kept[-1]:
            kept.append(seq)
    return kept


def shuffled(n: int, reach: int, seed: int) -> list[int]:
    """Return 0 to n-1, each moved by at most `reach` places or so; the first one stays."""
    draw = random.Random(seed)
    return [0, *sorted(range(1, n), key=lambda seq: seq + draw.uniform(0, reach))]


def numbers_of(gaps: list[Gap]) -> list[int]:
    """Return the numbers that gaps occupy, as often as they do."""
    return [seq for gap in gaps for seq in range(gap.seq_from, gap.seq_to + 1)]


@pytest.mark.parametrize(
    ("order", "gaps"),
    [
        ([0, 1, 2, 3], []),
        ([0, 1, 3, 2, 4], [(2, 2)]),
        ([0, 4, 1, 2, 3, 5], [(1, 3)]),
        ([0, 2, 1, 4, 3, 5], [(1, 1), (3, 3)]),
        ([0, 1, 1, 2], []),
    ],
)
def test_the_hub_declares_what_is_passed_over_and_leaves_out_what_comes_too_late(
    tmp_path: Path, order: list[int], gaps: list[tuple[int, int]]
) -> None:
    session = Session(tmp_path)
    try:
        with session.join("recorder", "lossless", 100) as recorder:
            told: list[FromHub] = []
            taken = [session.hub.publish(info(seq), image(seq)) is not None for seq in order]
            counts = max(order), session.hub.frames, session.hub.gaps
            session.hub.send(End(*counts, "complete", "", is_dark=True))
            while not told or not isinstance(told[-1], End):
                told.append(next_of(recorder, object))
                if isinstance(told[-1], FrameMessage):
                    assert np.array_equal(recorder.pixels(told[-1]), image(told[-1].info.seq))
                    recorder.check(told[-1], with_sum=True)
        came = [m.info.seq for m in told if isinstance(m, FrameMessage)]
        assert came == kept_in_turn(order)
        assert sum(taken) == len(came) == session.hub.frames
        assert [(m.seq_from, m.seq_to) for m in told if isinstance(m, Gap)] == gaps
        late = [m.text for m in told if isinstance(m, Notice)]
        assert len(late) == len(order) - len(came)
        assert all("it is left out" in text for text in late)
    finally:
        session.close()


def test_a_gap_that_speaks_of_numbers_already_used_takes_only_the_others(tmp_path: Path) -> None:
    session = Session(tmp_path)
    try:
        with session.join("recorder", "lossless", 100) as recorder:
            session.publish(range(3))
            session.hub.lose(1, 2, "nobody lost these")
            session.hub.lose(1, 4, "the camera overran")
            session.publish(range(5, 6))
            gap = next_of(recorder, Gap)
            assert (gap.seq_from, gap.seq_to) == (3, 4)
            assert next_of(recorder, FrameMessage).info.seq == 5
            assert session.hub.gaps == 1
    finally:
        session.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 30), st.integers(0, 8), st.integers(0, 1 << 20), st.floats(0, 0.4))
def test_a_recorder_of_shuffled_messages_has_each_number_once_as_a_frame_or_in_a_gap(
    tmp_path_factory: pytest.TempPathFactory, n: int, reach: int, seed: int, lost: float
) -> None:
    path = tmp_path_factory.mktemp("run") / "run.h5"
    draw = random.Random(seed)
    made = [
        Gap(seq, seq, "injected") if draw.random() < lost and 0 < seq < n - 1 else frames(seq)[0]
        for seq in range(n)
    ]
    script = [made[at] for at in shuffled(n, reach, seed)]
    done = record(FakeClient([*script, samples.end(n, n_gaps=n)], path), path)
    with RunReader(path) as reader:
        have = [one.seq for one in reader.infos]
        missing = numbers_of(reader.gaps)
        assert sorted(have + missing) == list(range(n)), "each number once"
        assert have == sorted(have)
        assert (done.n_frames, done.n_gaps) == (len(have), len(reader.gaps))
        for seq in have:
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq))
    assert examine(path).is_whole
