"""A bench that cannot fail proves nothing: broken on purpose, each must miss a bar."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from lightloop.bench import Options, measure
from tests.bench_parts import PARTS

CHEAP = {  # bench -> share of its full length, and the bar that the sabotage must miss
    "kill": (0.1, "kill_frames_missing"),
    "record": (0.03, "record_ratio_over_entropy"),  # its other bar hangs on the disk
    "replay": (0.1, "replay_unlike_decisions"),  # ten replays; a hundred: `lightloop bench replay`
    "stream": (0.05, "stream_frames_lost"),
    "denoise": (0.05, "denoise_parity_worst_block"),
    "ledger": (0.1, "ledger_gated_error_pct"),
    "loop": (0.03, "loop_p99_over_echo"),
    "specimen": (0.01, "specimen_gain_error"),
    "faults": (0.05, "faults_lit_outside_s"),
    "detect": (0.1, "detect_false_alarms_over_stated"),
    "models": (0.05, "models_transient_peak_pct"),
    "track": (0.03, "track_synthetic_edge_f1"),  # simulated cells only: the rest needs recordings
    "touching": (0.1, "touching_drawn_network_gain"),
    "training": (0.03, "training_old_loss_db"),
    "trust": (0.02, "trust_detection_worst"),  # of one fault; coverage needs more frames
}
WANTS = {"training": "torch"}


@pytest.fixture(autouse=True)
def the_part_of_the_bar(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the many parts of a bench, measure the one that the bar above belongs to."""
    PARTS.get(request.node.callspec.params["name"], lambda patch: None)(monkeypatch)


@pytest.fixture(autouse=True)
def has_what_it_wants(request: pytest.FixtureRequest) -> None:
    wanted = WANTS.get(request.node.callspec.params["name"], "lightloop")
    if find_spec(wanted) is None:
        pytest.skip(f"{wanted} is not installed")


MINUTES = [pytest.mark.slow, pytest.mark.timeout(1_200)]
"""What trains takes minutes on a busy machine."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=MINUTES if name == "training" else []) for name in CHEAP]
)
def test_a_sabotaged_bench_misses_its_bar(name: str) -> None:
    scale, bar = CHEAP[name]
    report = measure(name, Options(sabotage=True, scale=scale))
    assert bar in {row.name for row in report.rows if not row.ok}


# "loop" is timed; what takes long when nothing is broken is left to the bench itself.
LONG = {"kill", "replay", "faults", "stream", "touching", "training"}
WHOLE = [
    pytest.param(name, marks=MINUTES if name == "training" else [pytest.mark.slow] * (name in LONG))
    for name in CHEAP
    if name != "loop"
]


@pytest.mark.parametrize("name", WHOLE)
def test_the_same_bench_meets_that_bar_when_nothing_is_broken(name: str) -> None:
    scale, bar = CHEAP[name]
    report = measure(name, Options(scale=scale))
    assert bar in {row.name for row in report.rows if row.ok}
