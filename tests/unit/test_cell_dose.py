"""A cell's dose is the sum of the light that fell where it was, whoever it is called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from acquire.dose.fluence import FluenceMap
from acquire.dose.footprint import Footprint
from realtime.cell_dose import CellDose
from realtime.detections import Detections
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import Tracks

SHAPE = (101, 101)
PIXEL_UM = 2.0
BEAM = Footprint.of(220.0, 220.0, rim=0.5)


def cell_dose(**more) -> CellDose:
    return CellDose({"488": BEAM}, SHAPE, (PIXEL_UM, 0.0, 0.0, PIXEL_UM), **more)


def tracks(*cells: tuple[int, float, float], parents: Sequence[int] = ()) -> Tracks:
    """Return tracks of cells: id, and where they are, um from the frame's middle."""
    return Tracks(
        ids=tuple(c[0] for c in cells),
        parents=tuple(parents) or (-1,) * len(cells),
        x_px=tuple(50 + c[1] / PIXEL_UM for c in cells),
        y_px=tuple(50 + c[2] / PIXEL_UM for c in cells),
    )


def beam_at(x_um: float, y_um: float) -> float:
    """Return the beam's profile, from its formula: rim ** (r / corner)^2, its mean 1."""
    xs = (np.arange(400) + 0.5) / 200 - 1
    mean = (0.5 ** ((xs[:, None] ** 2 + xs[None, :] ** 2) / 2)).mean()
    inside = max(abs(x_um), abs(y_um)) < 110
    return float(inside * 0.5 ** ((x_um**2 + y_um**2) / (2 * 110.0**2)) / mean)


def test_a_walking_cell_takes_the_light_of_each_place_while_it_is_there() -> None:
    doses, rng = cell_dose(), np.random.default_rng(3)
    x_um, y_um, truth = -60.0, 10.0, 0.0
    for _ in range(60):
        x_um, y_um = x_um + rng.normal(2, 1), y_um + rng.normal(0, 1)
        dose = rng.uniform(0.1, 0.3)
        truth += dose * beam_at(x_um, y_um)
        doses.light(0, "488", 0.0, 0.0, dose)
        found = doses.read(0, 0.0, 0.0, tracks((7, x_um, y_um)))
    assert found.ids == (7,)
    assert found.dose["488"][0] == pytest.approx(truth, rel=0.005)
    still = FluenceMap(BEAM)
    still.add(0.0, 0.0, 1.0)
    assert found.dose["488"][0] != pytest.approx(
        still.at(np.array([x_um]), np.array([y_um]))[0] * 60 * 0.2, rel=0.05
    ), "its last place alone would have said something else"


def test_light_of_the_field_beside_counts_where_they_overlap() -> None:
    doses = cell_dose()
    cells = tracks((1, 90.0, 0.0), (2, -90.0, 0.0))
    for _ in range(3):
        for number, at_um in enumerate((0.0, 190.0)):
            doses.light(number, "488", at_um, 0.0, 1.0)
            if number == 0:
                found = doses.read(0, 0.0, 0.0, cells)
    near, far = found.dose["488"]
    own = 3 * beam_at(90, 0)
    assert far == pytest.approx(own, rel=0.01)
    assert near == pytest.approx(own + 2 * beam_at(-100, 0), rel=0.01)


def test_daughters_begin_with_their_mothers_dose() -> None:
    doses = cell_dose()
    doses.light(0, "488", 0.0, 0.0, 1.0)
    doses.read(0, 0.0, 0.0, tracks((1, 50.0, 0.0)))
    mothers = beam_at(50, 0)
    # The division is seen: one daughter is new, the mother's track goes on as the other.
    doses.light(0, "488", 0.0, 0.0, 1.0)
    found = doses.read(0, 0.0, 0.0, tracks((1, -20.0, 0.0), (2, 20.0, 0.0), parents=(-1, 1)))
    assert found.dose["488"] == pytest.approx((mothers + beam_at(20, 0),) * 2, rel=0.01)
    # It is final: the other daughter has a name of her own, too.
    doses.light(0, "488", 0.0, 0.0, 1.0)
    found = doses.read(0, 0.0, 0.0, tracks((3, -20.0, 0.0), (2, 20.0, 0.0), parents=(1, 1)))
    assert found.dose["488"] == pytest.approx((mothers + 2 * beam_at(20, 0),) * 2, rel=0.01)


def test_a_cell_that_was_lost_and_has_a_new_name_keeps_the_light_of_its_place() -> None:
    doses = cell_dose()
    for _ in range(4):
        doses.light(0, "488", 0.0, 0.0, 1.0)
        doses.read(0, 0.0, 0.0, tracks((1, 30.0, 30.0)))
    doses.light(0, "488", 0.0, 0.0, 1.0)
    doses.read(0, 0.0, 0.0, tracks())
    doses.light(0, "488", 0.0, 0.0, 1.0)
    found = doses.read(0, 0.0, 0.0, tracks((9, 30.0, 30.0)))
    assert found.dose["488"][0] == pytest.approx(6 * beam_at(30, 30), rel=0.01)


def test_light_of_earlier_runs_and_a_second_line_count_each_by_its_harm() -> None:
    earlier = FluenceMap(BEAM)
    earlier.add(0.0, 0.0, 5.0)
    doses = CellDose(
        {"488": BEAM, "405": BEAM},
        SHAPE,
        (PIXEL_UM, 0.0, 0.0, PIXEL_UM),
        before={"488": earlier.planes},
        harm={"488": 0.03, "405": 0.5},
    )
    doses.light(0, "405", 0.0, 0.0, 2.0)
    found = doses.read(0, 0.0, 0.0, tracks((1, 0.0, 0.0)))
    assert found.dose["488"][0] == pytest.approx(5 * beam_at(0, 0), rel=0.01)
    assert found.dose["405"][0] == pytest.approx(2 * beam_at(0, 0), rel=0.01)
    assert found.damage[0] == pytest.approx((5 * 0.03 + 2 * 0.5) * beam_at(0, 0), rel=0.01)


def test_a_camera_that_is_mounted_turned_reads_the_right_place() -> None:
    doses = CellDose({"488": BEAM}, SHAPE, (0.0, -PIXEL_UM, PIXEL_UM, 0.0))
    doses.read(0, 0.0, 0.0, tracks())
    doses.light(1, "488", 100.0, 0.0, 1.0)  # lights x from -10 um on
    seen = doses.read(0, 0.0, 0.0, tracks((1, 0.0, -60.0), (2, 0.0, 60.0))).dose["488"]
    assert seen[0] > 0  # 60 um above the middle is 60 um to the right on the stage
    assert seen[1] == 0


def test_a_stage_that_follows_a_cell_is_no_way_to_lose_its_light() -> None:
    doses, truth = cell_dose(), 0.0
    for step in range(20):
        stage_um, cell_um = 15.0 * step, 15.0 * step + 40.0
        doses.light(0, "488", stage_um, 0.0, 0.5)
        truth += 0.5 * beam_at(40, 0)
        found = doses.read(0, stage_um, 0.0, tracks((1, cell_um - stage_um, 0.0)))
    assert found.dose["488"][0] == pytest.approx(truth, rel=0.01)


def test_through_merge_split_and_division_a_cell_has_its_own_light_and_its_mothers() -> None:
    """Followed by the real tracker, against the beam's formula summed along the true ways."""
    tracker, rng, doses = Tracker(TrackerConfig()), np.random.default_rng(5), cell_dose()
    true: dict[str, float] = {}

    def shine(places: dict[str, tuple[float, float]], dose: float) -> None:
        for name, (row, column) in places.items():
            there = beam_at((column - 50) * PIXEL_UM, (row - 50) * PIXEL_UM)
            true[name] = true.get(name, true.get(name[:-1], 0.0)) + dose * there

    still = {f"{row}{column}": (14.0 * row + 6, 14.0 * column + 6)
             for row in range(7) for column in range(7) if row not in (2, 3, 4)}  # fmt: skip
    for t in range(24):
        walker = (38.0, 20.0 + 2.0 * min(t, 8) - 2.0 * max(0, t - 12))
        rest = (38.0, 42.0)
        mothers = {"m": (58.0, 60.0 + t)}
        if t >= 10:
            mothers = {"ma": (58.0 - t + 6, 70.0), "mb": (58.0 + 0.3 * t, 70.0)}
        places = {"w": walker, "r": rest, **mothers, **still}
        dose = float(rng.uniform(0.1, 0.3))
        shine(places, dose)
        doses.light(0, "488", 0.0, 0.0, dose)
        areas = dict.fromkeys(places, 40.0) | {"w": 22.0, "ma": 21.0, "mb": 21.0}
        seen = dict(places)
        if 8 <= t < 13:  # they touch, and are seen as one
            del seen["w"]
            seen["r"], areas["r"] = (38.0, 40.0), 62.0
        at = np.array(list(seen.values())) + rng.normal(0, 0.15, (len(seen), 2))
        area = np.array([areas[name] for name in seen]) * rng.normal(1, 0.02, len(seen))
        tracks, _ = tracker.update(Detections(at[:, 0], at[:, 1], area, 9 * area, area, area))
        found = doses.read(0, 0.0, 0.0, tracks)
    ends = np.column_stack((tracks.y_px, tracks.x_px))
    for name, place in places.items():
        row = int(np.hypot(*(ends - place).T).argmin())
        assert np.hypot(*(ends[row] - place)) < 2, name
        assert found.dose["488"][row] == pytest.approx(true[name], rel=0.03), name
