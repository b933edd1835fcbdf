"""A run begins with what its sample took; what is left of a plan, with what is left of a budget."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from acquire.dose.action import action_weight
from acquire.errors import LightOverBudget
from acquire.frame import FrameInfo, Index, Shot
from acquire.plan.plan import plan_shots
from acquire.plan.rest import the_rest
from acquire.sample.record import SampleError
from acquire.settings import Applied
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.predict.prediction import predict
from lightloop.resume import _by_place, _elsewhere
from lightloop.sample.account import build_ledger, check_record, check_sample, open_sample

CHIP_UM = (166.4, 166.4)
HERE = (0.0, 0.0, 0.0)
CONFIG = """
[scope]
kind = "simulated"
[sample]
id = "dish 7"
[[light]]
name = "488"
wavelength_nm = 488.0
power_device = "Laser488"
power_property = "Power"
shutter_device = "Shutter"
gate = "camera"
power_mw_at_maximum = 1.3845
lit_area_um2 = 27690.0
[light.limits]
budget_j_cm2 = 8.0
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 20.0
power_fraction = 0.2
[plan]
time_plan = { interval = 60, loops = 100 }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIGHTLOOP_SAMPLES", str(tmp_path))
    return tmp_path


def with_(*changes: tuple[str, str]) -> RunConfig:
    text = CONFIG
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return parse(text)


def give(wanted: RunConfig, dose: float) -> None:
    """Give a sample some light, in a run of its own."""
    record = open_sample(wanted, CHIP_UM)
    assert record is not None
    with record:
        ledger = build_ledger(wanted, CHIP_UM, record)
        ledger.settle(ledger.reserve(0, "488", dose, (0.0, 0.0)), dose)
        record.save(ledger.maps)


def check(wanted: RunConfig) -> dict[str, float]:
    return check_sample(wanted, predict(wanted), "mine.toml", CHIP_UM, HERE)


def test_check_starts_from_what_the_sample_took() -> None:
    wanted = with_()
    assert check(wanted) == {"488": 0.0}
    give(wanted, 5.0)
    assert check(wanted) == {"488": pytest.approx(5.0)}
    give(wanted, 2.0)  # the plan takes 2 of the 1 that is left
    with pytest.raises(ConfigError, match=r"sample 'dish 7'.*has 1 left of its 8"):
        check(wanted)


def test_another_sample_and_none_at_all_begin_with_nothing() -> None:
    give(with_(), 7.0)
    assert check(with_(('"dish 7"', '"dish 8"'))) == {"488": 0.0}
    assert check(with_(('id = "dish 7"', ""))) == {"488": 0.0}
    assert open_sample(with_(('id = "dish 7"', "")), CHIP_UM) is None


def test_fields_of_a_plan_that_overlap_add_up() -> None:
    twice = (
        "[plan]",
        "[plan]\nstage_positions = [{x = 0.0, y = 0.0}, {x = 40.0, y = 0.0}]",
    )
    apart = ("[plan]", "[plan]\nstage_positions = [{x = 0.0, y = 0.0}, {x = 400.0, y = 0.0}]")
    little = ("budget_j_cm2 = 8.0", "budget_j_cm2 = 3.0")
    check(with_(apart, little))
    with pytest.raises(ConfigError, match="fields that overlap add up"):
        check(with_(twice, little))


def test_the_strongest_spot_has_a_budget_of_its_own() -> None:
    uneven = ("lit_area_um2 = 27690.0", "lit_area_um2 = 27690.0\nlit_rim = 0.3")
    enough = ("budget_j_cm2 = 8.0", "budget_j_cm2 = 8.0\nhighest_j_cm2 = 2.1")
    check(with_(enough))
    with pytest.raises(ConfigError, match="the strongest spot of light '488'"):
        check(with_(enough, uneven))


def test_damage_of_all_lines_has_one_budget() -> None:
    most = 2.0 * action_weight(488.0)
    check(with_(('"dish 7"', f'"dish 7"\ndamage_j_cm2 = {most * 1.01}')))
    with pytest.raises(ConfigError, match="the damage of all lines"):
        check(with_(('"dish 7"', f'"dish 7"\ndamage_j_cm2 = {most * 0.99}')))


def test_damage_needs_units() -> None:
    with pytest.raises(ConfigError, match="has no units"):
        with_(
            ('"dish 7"', '"dish 7"\ndamage_j_cm2 = 1.0'),
            ("power_mw_at_maximum = 1.3845\nlit_area_um2 = 27690.0\n", ""),
        )


def test_doses_without_units_are_not_added_to_those_with_units() -> None:
    give(with_(), 1.0)
    relative = with_(("power_mw_at_maximum = 1.3845\nlit_area_um2 = 27690.0\n", ""))
    with pytest.raises(ConfigError, match="cannot be added up"):
        check_record(relative, "mine.toml")


@pytest.mark.parametrize("name", ["../up", "a/b", "-x", "x.", "a" * 65, "a\\\\b"])
def test_a_sample_has_a_name_that_a_file_can_have(name: str) -> None:
    with pytest.raises(ConfigError, match=r"sample\.id"):
        with_(("dish 7", name))


# A run that goes on.


def test_the_rest_of_a_plan_begins_now_with_the_shot_that_was_not_begun() -> None:
    whole = list(plan_shots(with_().sequence()))
    rest = list(the_rest(iter(whole), 40))
    assert [shot.shot.number for shot in rest] == list(range(40, 100))
    assert [shot.min_start_s for shot in islice(rest, 3)] == [0.0, 60.0, 120.0]
    assert list(the_rest(iter(whole), 0)) == whole


def info(shot: int, position: int, x_um: float, dose: float) -> FrameInfo:
    applied = Applied("GFP", "488", 488.0, 20, 20, 0.2, 0.2, 1.0, dose, True, 0)
    return FrameInfo(
        shot, "Camera", shot, 0, 0.0, Shot(shot, position, 1), 0, Index(p=position), 8, 8,
        (x_um, 0.0, 0.0), applied,
    )  # fmt: skip


def test_light_is_booked_where_it_fell() -> None:
    infos = [info(0, 0, 0.0, 1.0), info(1, 1, 500.0, 2.0), info(2, 0, 0.0, 1.0)]
    given = _by_place(infos)
    assert {(one.position, one.at_um): one.dose for one in given} == {
        (0, (0.0, 0.0)): 2.0,
        (1, (500.0, 0.0)): 2.0,
    }
    assert _elsewhere(given, {"488": 4.0}, infos) == []


def test_light_that_no_frame_tells_of_counts_for_every_field() -> None:
    infos = [info(0, 0, 0.0, 1.0), info(1, 1, 500.0, 2.0)]
    more = _elsewhere(_by_place(infos), {"488": 3.5, "lamp": 1.0}, infos)
    assert sorted((one.position, one.light, one.dose) for one in more) == [
        (0, "488", 0.5), (0, "lamp", 1.0), (1, "488", 0.5), (1, "lamp", 1.0)
    ]  # fmt: skip


def test_a_run_that_was_killed_may_have_given_one_more_shot() -> None:
    infos = [info(0, 0, 0.0, 1.0), info(1, 1, 500.0, 2.0)]
    more = _elsewhere(_by_place(infos), None, infos)
    assert [(one.position, one.dose) for one in more] == [(0, 2.0), (1, 2.0)]


def test_light_of_the_unfinished_run_is_spent_and_none_of_the_new_runs_total() -> None:
    wanted = with_(('id = "dish 7"', ""))
    ledger = build_ledger(wanted, CHIP_UM)
    ledger.remember(0, "488", 7.5, (0.0, 0.0))
    assert ledger.totals() == {"488": 0.0}
    assert ledger.left(0, "488") == pytest.approx(0.5)
    with pytest.raises(LightOverBudget):
        ledger.reserve(0, "488", 0.6, (0.0, 0.0))
    assert ledger.maps["488"].at(np.zeros(1), np.zeros(1)) == pytest.approx([7.5])


def test_a_named_folder_of_samples_that_is_not_there_makes_no_sample_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = folder / "drive" / "samples"
    monkeypatch.setenv("LIGHTLOOP_SAMPLES", str(gone))
    with pytest.raises(SampleError, match="is its drive there"):
        open_sample(with_(), CHIP_UM)
    with pytest.raises(ConfigError, match="is its drive there"):
        check_record(with_(), "demo.toml")
    assert not gone.parent.exists()
    assert open_sample(with_(('id = "dish 7"', "")), CHIP_UM) is None
