"""A second of what `python -m tests.fuzz.decoder` does for ten minutes."""

from __future__ import annotations

from tests.fuzz.decoder import Target, at_random, seeds


def test_damaged_messages_are_refused_or_well_formed_and_nothing_else_happens() -> None:
    target = at_random(0.5, seed=1)
    assert target.n > 100
    assert 0 < target.n_good < 2 * target.n


def test_the_seeds_are_true_messages() -> None:
    target = Target()
    for packet in seeds():
        target(packet)
    assert target.n_good >= target.n
