from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.dose import Ledger
from acquire.dose.footprint import Footprint
from acquire.errors import LightOverBudget, LightRefused

DOSES = st.floats(0, 5, allow_nan=False)


def test_what_is_reserved_counts_as_spent_until_it_is_settled() -> None:
    ledger = Ledger({"488": 10})
    ticket = ledger.reserve(0, "488", 4)
    assert (ledger.spent(0, "488"), ledger.left(0, "488")) == (4, 6)
    assert ledger.totals() == {"488": 0}
    assert ledger.settle(ticket, 3) == 0
    assert (ledger.spent(0, "488"), ledger.left(0, "488")) == (3, 7)
    assert ledger.totals() == {"488": 3}


def test_fields_and_lines_have_their_own_accounts() -> None:
    ledger = Ledger({"488": 10, "561": 1})
    ledger.book(0, "488", 9)
    ledger.book(1, "561", 1)
    assert ledger.left(1, "488") == 10
    assert ledger.left(0, "561") == 1
    assert ledger.left(1, "561") == 0
    assert ledger.totals() == {"488": 9, "561": 1}


def test_a_budget_that_cannot_pay_says_what_is_left() -> None:
    ledger = Ledger({"488": 1})
    ledger.reserve(3, "488", 0.75)
    with pytest.raises(LightOverBudget, match=r"field 3 has 0\.25 left of its 1 for light '488'"):
        ledger.reserve(3, "488", 0.5)


def test_ten_tenths_of_a_budget_fit_in_it() -> None:
    ledger = Ledger({"488": 0.3})
    for _ in range(3):
        ledger.settle(ledger.reserve(0, "488", 0.1), 0.1)
    assert ledger.left(0, "488") == 0


def test_more_than_was_reserved_is_booked_in_full_and_reported() -> None:
    ledger = Ledger({"488": 10})
    assert ledger.settle(ledger.reserve(0, "488", 1), 25) == 24
    assert ledger.spent(0, "488") == 25
    assert ledger.left(0, "488") == 0


@pytest.mark.parametrize("given_j_cm2", [math.nan, math.inf, -1.0])
def test_a_dose_that_is_no_number_is_booked_as_it_was_reserved(given_j_cm2: float) -> None:
    ledger = Ledger({"488": 10})
    ledger.settle(ledger.reserve(0, "488", 2), given_j_cm2)
    assert ledger.spent(0, "488") == 2


@pytest.mark.parametrize("dose", [math.nan, math.inf, -0.1])
def test_nobody_can_reserve_or_book_what_is_no_dose(dose: float) -> None:
    ledger = Ledger({"488": 10})
    with pytest.raises(LightRefused):
        ledger.reserve(0, "488", dose)
    with pytest.raises(LightRefused):
        ledger.book(0, "488", dose)


def test_a_ticket_is_settled_once() -> None:
    ledger = Ledger({"488": 10})
    ticket = ledger.reserve(0, "488", 2)
    ledger.settle(ticket, 2)
    with pytest.raises(LightRefused, match="settled already"):
        ledger.settle(ticket, 0)
    assert ledger.spent(0, "488") == 2


def test_a_line_without_a_budget_gives_no_light() -> None:
    with pytest.raises(LightRefused, match="no dose budget"):
        Ledger({"488": 1}).reserve(0, "640", 0.1)


def test_light_of_earlier_runs_is_spent_already() -> None:
    ledger = Ledger({"488": 10}, {(0, "488"): 8})
    assert ledger.left(0, "488") == 2


@given(
    st.lists(st.tuples(st.integers(0, 1), DOSES, DOSES, st.booleans()), max_size=40),
    st.floats(0, 9),
)
def test_the_account_is_never_negative_and_never_forgets(steps, budget) -> None:
    ledger = Ledger({"488": budget})
    shone = {0: 0.0, 1: 0.0}
    for field, asked, really, settles in steps:
        left = ledger.left(field, "488")
        assert left >= 0
        try:
            ticket = ledger.reserve(field, "488", asked)
        except LightOverBudget:
            assert asked > left
            continue
        assert asked <= left + 1e-6
        assert ledger.spent(field, "488") == pytest.approx(shone[field] + asked)
        if settles:
            assert ledger.settle(ticket, really) == pytest.approx(max(0.0, really - asked))
        shone[field] += really if settles else asked
        assert ledger.spent(field, "488") == pytest.approx(shone[field])
        assert ledger.left(field, "488") == pytest.approx(max(0.0, budget - shone[field]))


def test_light_that_harms_nothing_needs_no_share_of_the_damage() -> None:
    ledger = Ledger({"488": 10, "ir": 10}, harm={"488": 1.0}, damage=2.0)
    ledger.settle(ledger.reserve(0, "488", 2), 2)
    ledger.settle(ledger.reserve(0, "ir", 10), 10)
    with pytest.raises(LightOverBudget, match="damage"):
        ledger.reserve(0, "488", 0.1)


def test_what_is_reserved_counts_for_fields_that_overlap_and_no_others() -> None:
    footprint = Footprint.of(100.0, 100.0)
    side_um = footprint.shape[1] * footprint.pitch_um
    ledger = Ledger({"488": 10}, footprints={"488": footprint})
    ledger.reserve(0, "488", 4, (0.0, 0.0))
    for position, (x_um, held) in enumerate([(0.99 * side_um, 4), (side_um, 0)], start=1):
        ledger.settle(ledger.reserve(position, "488", 0, (x_um, 0.0)), 0)
        assert ledger.spent(position, "488") == held
