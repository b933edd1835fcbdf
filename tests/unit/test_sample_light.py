"""What light a sample has had is told as the ledger of a run would: no less, and where."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from acquire.dose.fluence import FluenceMap
from acquire.dose.footprint import Footprint
from acquire.dose.tiles import Tiles
from acquire.sample.record import SampleError
from acquire.sample.shelf import last_footprints, last_written, samples_in
from lightloop.config import RunConfig
from lightloop.sample.account import build_ledger, open_sample
from lightloop.sample.brightest_field import brightest_field, strongest
from lightloop.sample.diary import note_run, runs_of
from lightloop.sample.light import lights_had
from lightloop.task import RunTask
from tests.unit.test_sample import CHIP_UM, with_

SIDE_UM = 27690.0**0.5  # of the lit area of CONFIG


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIGHTLOOP_SAMPLES", str(tmp_path))
    return tmp_path


def give(wanted: RunConfig, *doses: tuple[float, float, float]) -> None:
    """Give a sample light: x um, y um and dose, in a run of its own."""
    record = open_sample(wanted, CHIP_UM)
    assert record is not None
    with record:
        ledger = build_ledger(wanted, CHIP_UM, record)
        for number, (x_um, y_um, dose) in enumerate(doses):
            ledger.settle(ledger.reserve(number, "488", dose, (x_um, y_um)), dose)
        record.save(ledger.maps)


def map_of(print_: Footprint, *doses: tuple[float, float, float]) -> FluenceMap:
    found = FluenceMap(print_)
    for x_um, y_um, dose in doses:
        found.add(x_um, y_um, dose)
    return found


def test_the_brightest_field_is_found_wherever_it_lies(folder: Path) -> None:
    give(with_(), (0.0, 0.0, 1.0), (-5e4, 3e4, 2.5), (400.0, 0.0, 2.0))
    (had,) = lights_had(folder, "dish 7")
    assert had.brightest is not None
    pitch_um = SIDE_UM / 64
    assert had.brightest[:2] == pytest.approx((-5e4, 3e4), abs=pitch_um)
    assert had.mean == pytest.approx(2.5)
    assert had.highest == pytest.approx(2.5)
    assert had.fields == pytest.approx(3.0)
    assert (had.unit, had.left, had.budget) == ("J/cm2", None, None)


def test_light_of_fields_that_overlap_adds_up_in_the_brightest(folder: Path) -> None:
    doses = (0.0, 0.0, 2.5), (0.6 * SIDE_UM, 0.0, 1.5)
    give(with_(), *doses)
    (had,) = lights_had(folder, "dish 7")
    assert had.mean == pytest.approx(2.5 + 0.4 * 1.5, rel=0.02)
    assert had.highest == pytest.approx(4.0)
    assert had.fields == pytest.approx(1.6, rel=0.02)


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_no_field_of_a_run_took_more_than_the_brightest(shape: str) -> None:
    print_ = Footprint.of(120.0, 80.0, "ellipse" if shape == "ellipse" else "rectangle", rim=0.5)
    doses = [(37.0 * i, 29.0 * (i % 3), 1.0 + i % 4) for i in range(9)]
    found = map_of(print_, *doses)
    best = brightest_field(found.planes, print_)
    assert best.mean == pytest.approx(found.mean(best.x_um, best.y_um))
    for x_um, y_um, _ in doses:
        assert best.mean >= found.mean(x_um, y_um) - 1e-9
        assert strongest(found.planes) >= found.highest(x_um, y_um) - 1e-9


def test_light_of_another_pitch_counts_as_well() -> None:
    wide, small = Footprint.of(300.0, 300.0), Footprint.of(100.0, 100.0)
    planes = (*map_of(small, (0.0, 0.0, 1.0)).planes, *map_of(wide, (40.0, 0.0, 2.0)).planes)
    best = brightest_field(planes, small)
    assert best.mean == pytest.approx(3.0, rel=0.02)
    assert best.lit_um2 == pytest.approx(300.0**2, rel=0.05)
    assert strongest(planes) == pytest.approx(3.0)


def test_where_no_light_has_been_there_is_none() -> None:
    assert brightest_field((), Footprint.of(10.0, 10.0)).mean == 0.0
    assert strongest((Tiles(1.0),)) == 0.0


def test_what_is_left_is_what_a_run_would_be_told(folder: Path) -> None:
    wanted = with_()
    give(wanted, (0.0, 0.0, 5.0))
    (had,) = lights_had(folder, "dish 7", wanted)
    assert had.left == pytest.approx(3.0)
    assert had.budget == 8.0
    bright_spots = with_(("budget_j_cm2 = 8.0", "budget_j_cm2 = 8.0\nhighest_j_cm2 = 5.5"))
    assert lights_had(folder, "dish 7", bright_spots)[0].left == pytest.approx(0.5)
    used_up = with_(("budget_j_cm2 = 8.0", "budget_j_cm2 = 4.0"))
    assert lights_had(folder, "dish 7", used_up)[0].left == 0.0


def test_a_line_of_the_config_that_never_shone_has_all_its_budget(folder: Path) -> None:
    wanted = with_()
    give(wanted, (0.0, 0.0, 5.0))
    other = with_(('name = "488"', 'name = "561"'), ('light = "488"', 'light = "561"'))
    told = {had.light: had for had in lights_had(folder, "dish 7", other)}
    assert told["561"].left == told["561"].budget == 8.0
    assert told["488"].mean == pytest.approx(5.0)
    assert told["488"].budget is None


def test_doses_that_cannot_be_compared_are_refused_and_so_is_a_damaged_record(
    folder: Path,
) -> None:
    give(with_(), (0.0, 0.0, 5.0))
    with pytest.raises(SampleError, match="cannot be added up"):
        lights_had(folder, "dish 7", with_(("wavelength_nm = 488.0", "wavelength_nm = 470.0")))
    folder.joinpath("sample-dish 7.dose").write_bytes(b"nothing")
    with pytest.raises(SampleError, match="cannot be read"):
        lights_had(folder, "dish 7")


def test_without_a_run_that_says_how_large_a_field_is_the_strongest_spot_bounds_all(
    folder: Path,
) -> None:
    wanted = with_()
    give(wanted, (0.0, 0.0, 5.0))
    folder.joinpath("sample-dish 7.journal").unlink()
    assert last_footprints(folder, "dish 7") == {}
    (had,) = lights_had(folder, "dish 7")
    assert had.brightest is None
    assert had.mean == had.highest == pytest.approx(5.0)


def test_a_shelf_knows_its_samples_and_when_light_was_last_written(folder: Path) -> None:
    assert samples_in(folder) == []
    before = datetime.now(UTC).timestamp()
    give(with_(), (0.0, 0.0, 1.0))
    give(with_(('"dish 7"', '"a.b_c-1"')), (0.0, 0.0, 1.0))
    assert samples_in(folder) == ["a.b_c-1", "dish 7"]
    assert last_written(folder, "dish 7").timestamp() >= before - 2.0  # some disks round down


def test_the_runs_of_a_sample_are_listed_in_order_and_a_torn_line_is_left_out(
    folder: Path,
) -> None:
    wanted = with_()
    note_run(wanted, RunTask("", "one.toml", "/data/one.h5"))
    note_run(wanted, RunTask("", "two.toml", ""))
    note_run(with_(('id = "dish 7"', "")), RunTask("", "of no sample.toml", ""))
    with folder.joinpath("sample-dish 7.runs").open("a") as file:
        file.write('{"began": "2026-')
    told = runs_of(folder, "dish 7")
    assert [(run.config, run.out) for run in told] == [
        ("one.toml", "/data/one.h5"),
        ("two.toml", ""),
    ]
    assert runs_of(folder, "dish 8") == []
    assert samples_in(folder) == [], "a list of runs is no record"


def test_a_list_of_runs_that_cannot_be_kept_stops_no_run(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.joinpath("sample-dish 7.runs").mkdir()
    note_run(with_(), RunTask("", "one.toml", ""))
    assert "list of runs" in caplog.text
