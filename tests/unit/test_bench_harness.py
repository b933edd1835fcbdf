"""The bench harness: a promise that was not measured, or is NaN, is not kept."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from lightloop.bench import BENCHES, Bar, Measured, Options, find, harness, load_bars, measure
from lightloop.cli import app
from lightloop.config import ConfigError

BAR = Bar("x_ms", "x", 5.0, "at most", "ms", "how long x takes")


@pytest.mark.parametrize(
    ("direction", "value", "is_met"),
    [
        ("at most", 4.9, True),
        ("at most", 5.0, True),
        ("at most", 5.1, False),
        ("at least", 5.1, True),
        ("at least", 5.0, True),
        ("at least", 4.9, False),
        ("at most", None, False),
        ("at most", math.nan, False),
        ("at least", math.nan, False),
    ],
)
def test_a_bar_is_met_from_its_own_side(direction: str, value: float, is_met: bool) -> None:
    bar = msgspec.structs.replace(BAR, direction=direction)
    assert bar.is_met(value) == is_met


def test_every_bar_is_explained_and_belongs_to_a_bench() -> None:
    bars = load_bars()
    assert len({bar.name for bar in bars}) == len(bars)
    for bar in bars:
        assert bar.bench in BENCHES, bar.name
        assert math.isfinite(bar.bound)
        assert len(bar.means) > 20
        assert bar.unit


def test_every_bench_has_a_bar() -> None:
    assert {bar.bench for bar in load_bars()} == set(BENCHES)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Let the bench `stream` measure what the test says, without sending a frame."""
    values: dict[str, float] = {bar.name: bar.bound for bar in load_bars("stream")}

    def run(options: Options) -> Measured:
        lost = {"stream_frames_lost": 1.0} if options.sabotage else {}
        return Measured({**values, **lost}, {"ms": [1.0, 2.0]})

    monkeypatch.setattr(harness, "find", lambda name: run)
    return values


def test_a_report_has_a_row_for_each_bar_and_the_raw_samples(
    fake: dict[str, float], tmp_path: Path
) -> None:
    out = tmp_path / "stream.json"
    done = CliRunner().invoke(app, ["bench", "stream", "--assert", "--json", str(out)])
    assert done.exit_code == 0, done.stderr
    report = json.loads(out.read_text("utf-8"))
    assert {"bench", "rows", "samples", "versions"} <= set(report)
    assert [row["name"] for row in report["rows"]] == [bar.name for bar in load_bars("stream")]
    assert all(set(row) == {"name", "value", "unit", "bound", "ok"} for row in report["rows"])
    assert report["samples"] == {"ms": [1.0, 2.0]}
    assert report["versions"]["numpy"]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 1e9])
def test_assert_names_the_row_that_is_not_met(fake: dict[str, float], value: float | None) -> None:
    if value is None:
        del fake["stream_cpu_over_bare"]
    else:
        fake["stream_cpu_over_bare"] = value
    done = CliRunner().invoke(app, ["bench", "stream", "--assert"])
    assert done.exit_code == 1
    assert "stream_cpu_over_bare" in done.stderr
    assert done.stderr.count("lightloop: ") == 1
    assert CliRunner().invoke(app, ["bench", "stream"]).exit_code == 0


def test_sabotage_reaches_the_bench(fake: dict[str, float]) -> None:
    done = CliRunner().invoke(app, ["bench", "stream", "--assert", "--sabotage"])
    assert done.exit_code == 1
    assert "stream_frames_lost is 1 frames" in done.stderr


def test_the_list_holds_every_bar() -> None:
    done = CliRunner().invoke(app, ["bench", "--list"])
    assert done.exit_code == 0
    assert all(bar.name in done.stdout for bar in load_bars())


def test_a_misspelt_bench_is_named_with_its_near_miss() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'denoise'"):
        find("denois")


def test_a_short_run_is_never_empty() -> None:
    assert Options(scale=0.001).times(100) == 1
    assert Options(scale=0.1).times(100, least=20) == 20
    assert Options().times(100) == 100


def test_a_report_is_json_without_nan(fake: dict[str, float]) -> None:
    fake["stream_cpu_over_bare"] = math.nan
    report = measure("stream", Options())
    row = next(row for row in report.rows if row.name == "stream_cpu_over_bare")
    assert row.value is None
    assert not row.ok
    assert b"NaN" not in report.to_json()


def test_a_network_that_was_named_is_held_to_the_bars_that_apply_to_it(
    fake: dict[str, float],
) -> None:
    left_out = next(iter(fake))
    del fake[left_out]
    named = measure("stream", Options(network="a-network"))
    assert [row.name for row in named.rows] == list(fake)
    assert not next(row for row in measure("stream", Options()).rows if row.name == left_out).ok
