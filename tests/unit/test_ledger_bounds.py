"""What each bound of the ledger leaves, where fields overlap, and what it tells of every dose."""

from __future__ import annotations

import math

import pytest

from acquire.dose import Ledger
from acquire.dose.budget import Budget
from acquire.dose.footprint import Footprint
from acquire.errors import LightOverBudget, LightRefused

SIDE_UM = 100.0
FLAT = Footprint.of(SIDE_UM, SIDE_UM)
BEAM = Footprint.of(SIDE_UM, SIDE_UM, "ellipse", 0.5)
WIDE = Footprint.of(2 * SIDE_UM, SIDE_UM)


def test_the_strongest_spot_has_a_budget_of_its_own_of_which_reserves_are_taken() -> None:
    ledger = Ledger({"488": Budget(100.0, 8.0)}, footprints={"488": BEAM})
    whole = 8.0 / BEAM.peak
    assert ledger.left(0, "488") == pytest.approx(whole)
    ticket = ledger.reserve(0, "488", 2.0)
    assert ledger.left(0, "488") == pytest.approx(whole - 2.0)
    with pytest.raises(LightOverBudget, match=r"the strongest spot of light '488'.*highest_j_cm2"):
        ledger.reserve(0, "488", whole - 1.9)
    ledger.settle(ticket, 2.5)
    assert ledger.left(0, "488") == pytest.approx(whole - 2.5)
    ledger.reserve(0, "488", 0.9 * (whole - 2.5))
    assert ledger.left(0, "488") == pytest.approx(0.1 * (whole - 2.5))
    ledger.book(0, "488", whole)
    assert ledger.left(0, "488") == 0.0


def test_damage_is_the_dose_of_every_line_by_its_harm_and_bounds_each_by_its_own() -> None:
    ledger = Ledger({"uv": 100.0, "488": 100.0}, harm={"uv": 4.0, "488": 0.25}, damage=20.0)
    assert [ledger.left(0, light) for light in ("uv", "488")] == [5.0, 80.0]
    ledger.book(0, "uv", 2.0)
    ledger.book(0, "488", 8.0)
    assert ledger.damage(0) == 10.0
    assert [ledger.left(0, light) for light in ("uv", "488")] == [2.5, 40.0]
    with pytest.raises(LightOverBudget, match=r"40 left of its 80 for the damage of all lines"):
        ledger.reserve(0, "488", 41.0)
    ledger.book(0, "uv", 2.5)
    assert [ledger.left(0, light) for light in ("uv", "488")] == [0.0, 0.0]


def test_an_exposure_without_light_costs_nothing_even_where_there_is_no_budget() -> None:
    ledger = Ledger({"488": 0.0})
    assert ledger.settle(ledger.reserve(0, "488", 0.0), 0.0) == 0.0
    with pytest.raises(LightOverBudget):
        ledger.reserve(0, "488", 1e-6)


def test_what_is_left_of_a_small_budget_is_no_more_than_that() -> None:
    ledger = Ledger({"488": 0.5})
    ledger.reserve(0, "488", 0.25)
    assert ledger.left(0, "488") == 0.25


@pytest.mark.parametrize("budget", [math.nan, math.inf, -1.0])
def test_a_budget_that_is_no_dose_is_none(budget: float) -> None:
    with pytest.raises(LightRefused, match="a dose is a number"):
        Ledger({"488": budget})


FAR = (3000.0, -7000.0)


@pytest.mark.parametrize(
    ("dx_um", "dy_um", "overlaps"),
    [
        (0, 0, True), (190, 0, True), (-190, 0, True), (210, 0, False), (-210, 0, False),
        (0, 90, True), (0, -90, True), (0, 110, False), (0, -110, False),
        (190, 90, True), (190, 110, False), (210, 90, False),
    ],
)  # fmt: skip
def test_what_is_set_aside_counts_in_full_for_every_field_that_overlaps(
    dx_um: float, dy_um: float, overlaps: bool
) -> None:
    ledger = Ledger({"488": 10.0, "561": 10.0}, footprints={"488": WIDE, "561": WIDE})
    place = (FAR[0] + dx_um, FAR[1] + dy_um)
    ledger.remember(1, "488", 0.0, place)
    ledger.reserve(0, "488", 4.0, FAR)
    assert ledger.spent(1, "488") == (4.0 if overlaps else 0.0)
    assert ledger.spent(1, "561") == 0.0, "another line is another account"


def test_fields_that_only_touch_do_not_overlap() -> None:
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        ledger = Ledger({"488": 10.0}, footprints={"488": FLAT})
        rows, columns = (side * FLAT.pitch_um for side in FLAT.shape)
        ledger.remember(1, "488", 0.0, (dx * columns, dy * rows))
        ledger.reserve(0, "488", 4.0, (0.0, 0.0))
        assert ledger.spent(1, "488") == 0.0


def test_every_dose_is_told_where_it_was_before_it_is_given_and_what_of_it_was_not() -> None:
    told: list[tuple[str, float, float, float]] = []
    ledger = Ledger({"488": 10.0}, note=lambda *what: told.append(what))
    ticket = ledger.reserve(0, "488", 4.0, FAR)
    assert told.pop() == ("488", *FAR, 4.0)
    ledger.settle(ticket, 3.0)
    assert told.pop() == ("488", *FAR, -1.0)
    ledger.settle(ledger.reserve(0, "488", 1.0), 1.5)
    assert told[-1] == ("488", *FAR, 0.5), "a field stays where it was last"
    ledger.book(1, "488", 0.25, (1.0, 2.0))
    assert told[-1] == ("488", 1.0, 2.0, 0.25)
    n_told = len(told)
    ledger.remember(2, "488", 1.0, (5.0, 6.0))
    assert len(told) == n_told, "it is of an earlier run, and written down there"


def test_what_cannot_be_written_down_is_not_set_aside() -> None:
    def full(light: str, x_um: float, y_um: float, dose: float) -> None:
        raise OSError("the disk is full")

    ledger = Ledger({"488": 10.0}, note=full)
    with pytest.raises(OSError, match="full"):
        ledger.reserve(0, "488", 4.0)
    assert ledger.spent(0, "488") == 0.0


def test_light_without_a_budget_is_booked_from_nothing_on() -> None:
    ledger = Ledger({"488": 10.0})
    ledger.book(0, "lamp", 0.5)
    ledger.book(0, "lamp", 0.25)
    assert ledger.totals() == {"488": 0.0, "lamp": 0.75}


def test_a_line_that_nobody_measured_lights_as_much_as_one_that_was() -> None:
    ledger = Ledger({"488": 10.0, "561": 10.0}, footprints={"488": BEAM})
    assert set(ledger.maps) == {"488", "561"}, "of every line, before its first light"
    assert ledger.maps["561"].footprint is BEAM
    unknown = Ledger({"488": 10.0}).maps["488"].footprint
    assert unknown.area_um2 == pytest.approx(1000.0**2)


def test_fields_without_a_place_never_overlap_each_other() -> None:
    ledger = Ledger({"488": 10.0}, {(3, "488"): 2.0})
    ledger.reserve(1, "488", 4.0)
    assert [ledger.spent(position, "488") for position in range(4)] == [0.0, 4.0, 0.0, 2.0]
    assert ledger.totals() == {"488": 0.0}, "light of earlier runs is none of this one's"


def test_the_strongest_spot_is_read_from_the_map() -> None:
    ledger = Ledger({"488": 10.0}, footprints={"488": BEAM})
    ledger.book(0, "488", 2.0)
    assert ledger.highest(0, "488") == pytest.approx(2.0 * BEAM.peak)
