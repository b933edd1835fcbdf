"""The end of a run on one screen."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from rich.console import Console

from lightloop.cli.door import PIPE_WIDTH, paper
from lightloop.cli.summary_table import summary_table
from lightloop.summary import Summary
from tests.unit import run_samples as samples
from tests.unit.cli_calls import SUMMARY


def printed(summary: Summary, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=file, width=PIPE_WIDTH).print(summary_table(summary))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_summary_says_dose_loss_lateness_and_darkness() -> None:
    text = printed(SUMMARY)
    for words in (
        "12 in 6 shots",
        "41 followed at the end, 3 divisions seen",
        "1.25 J/cm2",
        "25.0% of the reference's 5 (not equal quality)",
        "1 gap",
        "2 decisions",
        "dark: read back",
        "loop latency (frame in host -> devices set)",
        "8.25",
        "12.00",
    ):
        assert words in text


def test_the_summary_of_a_replay_says_that_no_light_was_given() -> None:
    text = printed(msgspec.structs.replace(SUMMARY, origin="replay of run.h5"))
    assert "proposals made under recorded exposures" in text
    assert "recorded dose, 488" in text
    assert "dark: read back" not in text


def test_the_summary_names_both_numbers_of_cells() -> None:
    text = printed(msgspec.structs.replace(SUMMARY, cells=48, confirmed=45))
    assert "48 followed, 45 confirmed at the end" in text


def test_the_summary_invents_no_dose_for_an_import() -> None:
    foreign = {"not recorded": 0.06}
    text = printed(
        msgspec.structs.replace(
            SUMMARY, origin="replay of f.h5", dose=foreign, reference_dose={}, dose_unit="relative"
        )
    )
    assert re.search(r"recorded dose +not recorded; 0\.06 s of exposure in all", text)
    assert "relative" not in text


def test_the_summary_shouts_if_the_light_is_not_known_to_be_off() -> None:
    assert "NOT CONFIRMED DARK" in printed(msgspec.structs.replace(SUMMARY, is_dark=False))


def test_the_summary_is_plain_ascii_where_stdout_is() -> None:
    assert printed(SUMMARY, "ascii").isascii()
    assert not printed(SUMMARY).isascii()


def test_the_time_of_a_whole_replay_is_no_step_of_a_shot() -> None:
    steps = {"restore": (7.0, 9.5), "whole replay": (1234.5, 1234.5)}
    text = printed(msgspec.structs.replace(SUMMARY, origin="replay of r.h5", latency_ms=steps))
    assert re.search(r"replayed +in 1\.23 s", text)
    assert "whole replay" not in text
    assert "1234" not in text
    alone = msgspec.structs.replace(SUMMARY, latency_ms={"whole replay": (1234.5, 1234.5)})
    assert "p50" not in printed(alone)


def test_a_tally_keeps_followed_and_confirmed_cells_apart() -> None:
    from lightloop.summary import Tally

    tally = Tally()
    result = samples.result(3, (3,))
    seen = msgspec.structs.replace(result.observation, n_tracks=48, n_confirmed=45)
    result = msgspec.structs.replace(result, observation=seen)
    tally.add_answer(result, samples.decision(3, (3,), 12.0))
    assert (tally.cells, tally.confirmed) == (48, 45)
    other = msgspec.structs.replace(seen, position=seen.position + 1, n_tracks=2, n_confirmed=1)
    elsewhere = msgspec.structs.replace(result, observation=other)
    tally.add_answer(elsewhere, samples.decision(3, (3,), 12.0))
    tally.add_answer(result, samples.decision(3, (3,), 12.0))
    assert (tally.cells, tally.confirmed) == (50, 46), "all fields together, each as last seen"


def test_results_never_end_a_run_by_a_letter_that_stdout_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    page = paper()
    page.print("\u65e5\u672c", summary_table(SUMMARY))
    page.file.flush()
    assert b"dark: read back" in raw.getvalue()
