"""What the bench of faults makes of what it noted: light outside of leases is never overlooked."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.errors import SettingRefused
from acquire.simulated.light.light_words import Line
from lightloop.bench.faults import as_declared
from lightloop.bench.faults_box import FaultyBox
from lightloop.bench.faults_facts import GRACE_NS, Facts, joined, leases_of, without
from lightloop.bench.faults_judge import objections
from lightloop.bench.faults_rival import DEEDS, RivalFacts
from lightloop.bench.faults_table import FAULTS, Outcome
from lightloop.config import parse

MS = 1_000_000
SECOND = 1_000 * MS
NAMED = {fault.name: fault for fault in FAULTS}
GOOD = Facts(
    exit_code=1,
    said="the scope process died",
    is_dark=True,
    fault_ns=10 * SECOND,
    death_ns=10 * SECOND,
    leases=((9 * SECOND, 11 * SECOND),),
    lit=((9 * SECOND + MS, 10 * SECOND + 20 * MS),),
)

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1])), max_size=5
)


@given(spans, spans)
def test_what_is_left_of_light_is_counted_tick_by_tick(lit, allowed) -> None:
    lit = joined(lit)
    left = without(lit, allowed)
    ticks = {t for begin, end in lit for t in range(begin, end)}
    ticks -= {t for begin, end in allowed for t in range(begin, end)}
    assert sum(end - begin for begin, end in left) == len(ticks)


def test_a_lease_ends_when_it_is_dark_again_and_else_50_ms_after_its_deadline() -> None:
    heard = [(1 * MS, SECOND), (30 * MS, 0), (60 * MS, SECOND), (90 * MS, 2 * SECOND)]
    assert leases_of(heard) == (
        (1 * MS, 30 * MS),
        (60 * MS, SECOND + GRACE_NS),
        (90 * MS, 2 * SECOND + GRACE_NS),
    )


def test_a_run_that_went_as_declared_is_not_objected_to() -> None:
    assert objections(NAMED["scope killed"], GOOD) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exit_code": 0}, "exit status 0, not 1"),
        ({"said": ""}, "never said"),
        ({"leases": ()}, "no light at all"),
        ({"is_dark": False}, "still on"),
        ({"lit": ((9 * SECOND, 11 * SECOND + MS),)}, "1.0 ms of light outside"),
        ({"lit": ((9 * SECOND, 10 * SECOND + 401 * MS),)}, "401 ms of light after"),
        ({"said": "the scope process died; DARK NOT CONFIRMED"}, "dark was not confirmed"),
        ({"lit": ((10 * SECOND + MS, 10 * SECOND + 2 * MS),) * 9}, "9 exposures after"),
    ],
)
def test_whatever_is_not_as_declared_is_said(changes: dict[str, object], said: str) -> None:
    found = objections(NAMED["scope killed"], msgspec.structs.replace(GOOD, **changes))
    assert any(said in each for each in found), found


def test_more_light_than_the_last_good_one_is_said() -> None:
    doses = tuple((10 * SECOND + i * MS, dose) for i, dose in enumerate([1.0, 1.1, 1.0, 1.2]))
    facts = msgspec.structs.replace(GOOD, doses=doses)
    assert facts.more_light == pytest.approx(1.2 / 1.1)
    assert any("last good light" in each for each in objections(NAMED["defocus by 5 um"], facts))


def test_every_row_has_a_config_that_can_be_read_and_its_rival_a_deed(tmp_path) -> None:
    assert len(FAULTS) == len(NAMED) >= 24
    for fault in FAULTS:
        assert parse(fault.config(tmp_path)).scope.kind == "simulated"
        assert bool(fault.rival) != bool(fault.no_rival)
        assert not fault.rival or fault.rival in DEEDS


@pytest.mark.parametrize(
    ("outcome", "changes", "is_so"),
    [
        (Outcome.ENDS, {"is_over": True, "finish": "errored", "error": "x"}, True),
        (Outcome.ENDS, {"is_over": True, "finish": "completed"}, False),
        (Outcome.ENDS, {"is_over": True, "finish": "errored", "lit_late_s": 0.1}, False),
        (Outcome.ENDS, {"exposures_after": 9}, False),
        (Outcome.CONTINUES, {"exposures_after": 9}, True),
        (Outcome.CONTINUES, {"exposures_after": 9, "lit_late_s": 2.6, "is_lit": True}, False),
        (Outcome.UNCONFIRMED, {"is_over": True, "finish": "completed", "is_lit": True}, False),
    ],
)
def test_pymmcore_plus_is_held_to_the_same(outcome: Outcome, changes, is_so: bool) -> None:
    facts = RivalFacts(0, is_over=False, error="", finish="", lit_late_s=0.0, is_lit=False)
    assert as_declared(outcome, msgspec.structs.replace(facts, **changes)) == is_so


def test_the_chart_of_a_broken_box_is_what_its_meter_counts() -> None:
    now_s = [0.0]
    chart: list[tuple[float, float]] = []
    box = FaultyBox(
        [Line("488", 488.0, 5.0, "software")], lambda: now_s[0], lambda *span: chart.append(span)
    )
    box.set_power("488", 0.5)
    for is_open, at_s in ((True, 1.0), (False, 1.25), (True, 2.0), (False, 2.5)):
        now_s[0] = at_s
        box.set_open(is_open)
    assert chart == [(1.0, 1.25), (2.0, 2.5)]
    box.refuses_power = True
    with pytest.raises(SettingRefused):
        box.set_power("488", 0.2)
    assert box.set_power("488", 0.0).power_fraction == {"488": 0.0}
    box.refuses_power, box.ignores_power = False, True
    assert box.set_power("488", 0.2).power_fraction == {"488": 0.0}
    box.sticks_open = True
    box.set_open(True)
    assert box.set_open(False).is_open
    box.sticks_open, box.lies_at_close = False, True
    assert not box.set_open(False).is_open
    assert [box.state().is_open for _ in range(2)] == [True, False]
