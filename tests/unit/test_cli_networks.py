"""`lightloop models` says in tables who runs a network here, and in one sentence what is wrong."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from lightloop.cli.app import app
from models import plan_cache
from models.engines import order
from models.engines.table import Choice
from models.package import Package, list_shipped, shipped
from tests.engine_nets import random_package


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(plan_cache, "user_folder", lambda: tmp_path / "engines")


def models(*words: str):
    return CliRunner().invoke(app, ["models", *words], catch_exceptions=False)


ONE = ("denoise-2d", "--engine", "openvino", "--precision", "f32", "--size", "64x64")


def test_list_names_each_network_and_what_it_is_for() -> None:
    found = models("list")
    assert found.exit_code == 0
    assert "denoise-2d" in found.output
    assert "1 image" in found.output


@pytest.mark.parametrize("name", list_shipped())
def test_info_is_there_for_each_shipped_network(name: str) -> None:
    found = models("info", name)
    assert found.exit_code == 0
    assert f"{name}@" in found.output
    has_error = Package.load(shipped(name)).manifest.task != "segment"
    assert ("over how wrong it says they are" in found.output) is has_error


def test_info_says_so_where_the_error_was_not_measured(tmp_path) -> None:
    package = random_package(tmp_path / "net")
    found = models("info", str(package.folder))
    assert found.exit_code == 0
    assert "was not measured" in found.output


@pytest.mark.parametrize("command", ["parity", "compile"])
@pytest.mark.parametrize("name", ["superres-fast", "axial-fast", "segment-nuclei"])
def test_networks_of_any_task_can_be_tried(command: str, name: str) -> None:
    found = models(command, name, *ONE[1:])
    assert found.exit_code == 0
    assert ("passes" if command == "parity" else "ready") in found.output


def test_parity_prints_the_deviation_and_the_tolerance() -> None:
    found = models("parity", *ONE)
    assert found.exit_code == 0
    assert "passes" in found.output
    assert "0.0001" in found.output


def test_compile_says_what_is_ready_and_where_it_is_kept(tmp_path) -> None:
    found = models("compile", *ONE)
    assert found.exit_code == 0
    assert "ready" in found.output
    assert str(tmp_path) in found.output.replace("\n", "")


def test_bench_of_one_engine_is_not_taken_for_the_order_of_all(monkeypatch) -> None:
    monkeypatch.setattr(order, "remember", lambda *given: pytest.fail("remembered"))
    found = models("bench", *ONE, "--frames", "5")
    assert found.exit_code == 0
    assert "fastest" in found.output


def test_bench_of_all_remembers_the_fastest(monkeypatch) -> None:
    kept: list[dict[Choice, float]] = []
    monkeypatch.setattr(order, "remember", lambda *given: kept.append(given[3]))
    found = models("bench", "denoise-2d", "--size", "64x64", "--frames", "5")
    assert found.exit_code == 0
    assert Choice("openvino", "f32") in kept[0]
    assert '"auto" now means' in found.output


@pytest.mark.parametrize("size", ["512", "63x64", "8x8", "0x64", "axb", "64x99999992"])
def test_a_size_that_no_network_takes_is_said(size) -> None:
    found = models("parity", "denoise-2d", "--size", size)
    assert found.exit_code == 2
    assert "multiples of 8" in found.stderr


def test_an_unknown_engine_lists_the_known_ones() -> None:
    found = models("bench", "denoise-2d", "--engine", "coral")
    assert found.exit_code == 1
    assert "openvino bf16" in found.stderr


def test_a_card_is_told_in_short_and_whole_where_asked() -> None:
    short, whole = (
        models("info", "denoise-2d").output,
        models("info", "denoise-2d", "--card").output,
    )
    assert "Not for: brightfield" in short
    assert "models info denoise-2d --card" in short
    assert "Learnt from" not in short
    assert "## Learnt from" in whole
