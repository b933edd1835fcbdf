"""What another policy would have given is added up beside what was given."""

from __future__ import annotations

import pytest

from realtime.replay.what_if import Proposals
from tests.unit import run_samples as samples


def test_proposed_dose_stands_beside_the_given_one_of_the_same_frames() -> None:
    proposals = Proposals()
    for shot, exposure_ms in ((0, 5.0), (1, 20.0), (7, 99.0)):
        proposals.take(samples.decision(shot, (shot,), exposure_ms=exposure_ms))
    infos = [samples.info(seq) for seq in range(4)]  # 10 ms each, under decisions -1, 0, 1, 2
    given, asked = proposals.doses(infos)["488"]
    assert given == pytest.approx(2 * 0.010)
    assert asked == pytest.approx(0.010 * 0.5 + 0.010 * 2.0)


def test_frames_without_a_proposal_count_for_nobody() -> None:
    assert Proposals().doses([samples.info(0), samples.info(1)]) == {}
