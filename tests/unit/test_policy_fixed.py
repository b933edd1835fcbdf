"""The baseline: the same light, whatever is seen."""

from __future__ import annotations

import pytest

from realtime.policy import FixedPolicy
from tests.unit.policy_samples import FIRST, Sample, but


@pytest.mark.parametrize("brightness", [0.01, 1.0, 1000.0])
def test_the_first_settings_are_proposed_whatever_is_seen(brightness: float) -> None:
    decision = FixedPolicy(FIRST).decide(Sample(brightness).see(FIRST))
    assert decision.settings == FIRST
    assert decision.has_evidence


def test_lowered_light_comes_back_only_where_cells_are_seen() -> None:
    seen = but(Sample().see(FIRST), n_confirmed=0)
    assert not FixedPolicy(FIRST).decide(seen).has_evidence
