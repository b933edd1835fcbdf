"""The planes of a shot: their maximum, and how high cells lie in them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from realtime.detections import Detections
from realtime.following import Following
from realtime.memory import Known
from realtime.planes.heights import above_first, heights
from realtime.planes.stack import MOST_PLANES, Stack
from realtime.tracker.config import TrackerConfig
from realtime.tracker.tracker import Tracker
from realtime.wire import Tracks
from tests.unit.run_samples import applied

PIXEL_UM, STEP_UM, SIDE = 0.5, 1.5, 48
CELLS = ((12.0, 14.0, 4.2), (30.0, 33.0, 7.5))
"""Where cells are: y and x, px, and planes above the first."""


def info(z: int, of: int, place: int = 0, z_um: float | None = None) -> FrameInfo:
    height = 20.0 + STEP_UM * z if z_um is None else z_um
    return FrameInfo(
        place, "Camera", place, 0, 0.0, Shot(0, 0, of), place, Index(z=z), SIDE, SIDE,
        (0.0, 0.0, height), applied(),
    )  # fmt: skip


def plane(z: float, sigma: float = 1.6, seed: int = 1) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.full((SIDE, SIDE), 8.0)
    for at_y, at_x, at_z in CELLS:
        light = 200 * np.exp(-0.5 * ((z - at_z) / sigma) ** 2)
        image += light * (np.hypot(y - at_y, x - at_x) < 5)
    return np.random.default_rng([seed, round(10 * z)]).poisson(image).astype(np.float32)


def found(cells: tuple[tuple[float, float, float], ...] = CELLS) -> Detections:
    ones = np.ones(len(cells))
    y, x = (np.array([cell[axis] for cell in cells]) for axis in (0, 1))
    return Detections(y, x, 78.0 * ones, ones, ones, ones)


def seen(planes: tuple[int, ...], stack: Stack | None = None, **more: float) -> Stack:
    stack = stack or Stack(PIXEL_UM)
    for place, z in enumerate(planes):
        stack.add(info(z, len(planes), place, **more), plane(z))
    return stack


def told_px(stack: Stack) -> np.ndarray:
    z_px = stack.raised(found()).z_px
    assert z_px is not None
    return z_px


TRUE_PX = np.array([cell[2] for cell in CELLS]) * STEP_UM / PIXEL_UM
WHOLE = tuple(range(11))


def test_a_shot_of_one_frame_copies_nothing_and_tells_no_height() -> None:
    stack, photons = Stack(PIXEL_UM), plane(4)
    stack.add(info(0, 1), photons)
    assert stack.image is photons
    assert stack.raised(found()).z_px is None


def test_other_channels_make_no_stack_of_a_flat_shot() -> None:
    stack, photons = Stack(PIXEL_UM), plane(4)
    stack.add(info(0, 3), photons)
    first = stack.image
    assert first is not photons  # the restorer's buffer is used again for what comes next
    stack.add(info(0, 3, 1), plane(9))  # an audit: a second frame of the same plane
    assert stack.image is first
    np.testing.assert_array_equal(first, photons)
    assert stack.raised(found()).z_px is None


@pytest.mark.parametrize("planes", [WHOLE, (0, 2, 4, 6, 8, 10), (0, 2, 4, 5, 6, 8, 10)])
def test_planes_that_are_skipped_leave_heights_where_they_are(planes: tuple[int, ...]) -> None:
    stack = seen(planes)
    high = stack.raised(found())
    assert high.z_px == pytest.approx(TRUE_PX, abs=0.35 * STEP_UM / PIXEL_UM)
    assert high.z_sd_px is not None
    assert (np.abs(high.z_px - TRUE_PX) < 3 * high.z_sd_px).all()
    np.testing.assert_array_equal(stack.image, np.maximum.reduce([plane(z) for z in planes]))


def test_every_third_plane_is_less_sure_than_all() -> None:
    dense, thin = (seen(planes).raised(found()).z_sd_px for planes in (WHOLE, (0, 3, 6, 9, 10)))
    assert dense is not None
    assert thin is not None
    assert (thin > 1.5 * dense).all()


def test_a_stack_downwards_or_without_its_first_plane_tells_the_same_heights() -> None:
    whole = told_px(seen(WHOLE))
    assert told_px(seen(WHOLE[2:])) == pytest.approx(whole, abs=0.5)
    down = Stack(PIXEL_UM)
    for z in WHOLE:  # the plan's numbers go up while the stage goes down
        down.add(info(z, len(WHOLE), z, z_um=20.0 - STEP_UM * z), plane(z))
    assert told_px(down) == pytest.approx(whole, abs=1e-6)


def test_a_focus_that_moves_the_whole_stack_moves_no_cell() -> None:
    moved = Stack(PIXEL_UM)
    for z in WHOLE:
        moved.add(info(z, len(WHOLE), z, z_um=87.0 + STEP_UM * z), plane(z))
    assert told_px(moved) == pytest.approx(told_px(seen(WHOLE)), abs=1e-6)


def test_no_height_is_told_where_the_stage_says_none_or_nobody_asks() -> None:
    assert seen(WHOLE, z_um=5.0).raised(found()).z_px is None
    assert seen(WHOLE, Stack(0.0)).raised(found()).z_px is None


def test_planes_are_kept_in_buffers_that_are_used_again_and_not_too_many() -> None:
    stack = seen(WHOLE)
    kept = [id(buffer) for buffer in stack._buffers]
    stack.forget()
    assert told_px(seen(WHOLE, stack)) == pytest.approx(told_px(seen(WHOLE)), abs=0)
    assert [id(buffer) for buffer in stack._buffers] == kept
    long, dark = Stack(PIXEL_UM), np.zeros((4, 4), np.float32)
    for z in range(MOST_PLANES + 3):
        long.add(info(z, MOST_PLANES + 3, z), dark)
    assert len(long._buffers) <= MOST_PLANES + 1
    assert long.raised(found()).z_px is None


def test_the_way_from_the_first_plane_follows_from_the_others() -> None:
    assert above_first({0: 3.0, 4: 1.0, 6: 0.0}) == pytest.approx([0.0, 2.0, 3.0])
    assert above_first({2: 1.0, 4: 2.0}) == pytest.approx([1.0, 2.0])


def test_cells_few_or_many_are_looked_at_alike() -> None:
    stack = [plane(z) for z in WHOLE]
    rng = np.random.default_rng(3)
    places = tuple((y, x, 0.0) for y, x in rng.uniform(0, SIDE - 1, (400, 2)))
    many = heights(found(places), stack)  # the whole image is blurred for them
    few = [heights(found(places[n : n + 1]), stack) for n in range(40)]
    assert [one.at[0] for one in few] == pytest.approx(many.at[:40], abs=1e-3)
    assert [one.sd[0] for one in few] == pytest.approx(many.sd[:40], abs=1e-3)


@pytest.mark.parametrize("sigma", [0.8, 1.6])
@pytest.mark.parametrize("every", [1, 2])
def test_a_height_lies_within_its_standard_deviation_as_often_as_it_should(
    sigma: float, every: int
) -> None:
    planes = range(0, 11, every)
    off = []
    for seed in range(25):
        high = heights(
            found(), [plane(z, sigma, seed) for z in planes], np.arange(0.0, 11.0, every)
        )
        off.append((high.at - [cell[2] for cell in CELLS]) / high.sd)
    share = np.mean(np.abs(off) < 2)
    assert share > 0.9  # 0.95 of a normal one; cells are sharper here than in life


def followed(following: Following, shot: int, z_px: tuple[float, ...] | None, x_um: float = 0.0):
    ones = np.ones(2)
    places = (np.array([12.0, 30.0]), np.array([14.0, 33.0]), 78 * ones, 9 * ones, ones, ones)
    high = None if z_px is None else np.array(z_px)
    at = FrameInfo(
        shot, "Camera", shot, 0, 60.0 * shot, Shot(shot, 0, 1), 0, Index(t=shot), SIDE, SIDE,
        (x_um, 0.0, 0.0), applied(),
    )  # fmt: skip
    image = np.ones((SIDE, SIDE), np.float32)
    return following.update(at, image, Detections(*places, z_px=high))


def test_a_stage_that_once_does_not_say_where_it_stands_is_told_when_it_does_again() -> None:
    told: list[tuple[float, float]] = []

    class Told(Tracker):
        def carry(self, y_px: float, x_px: float) -> None:
            told.append((y_px, x_px))
            super().carry(y_px, x_px)

    following = Following(lambda: Told(TrackerConfig()), PIXEL_UM)
    for shot, x_um in enumerate((0.0, np.nan, np.inf, 2.0, 2.0)):
        tracks, _ = followed(following, shot, None, x_um)
    assert told == [(0.0, -2.0 / PIXEL_UM)]
    assert tracks.ids == (0, 1)


def test_a_shot_of_one_plane_moves_no_cell_up_or_down() -> None:
    following = Following(lambda: Tracker(TrackerConfig()), PIXEL_UM)
    for shot in range(5):
        before, _ = followed(following, shot, (10.0, 40.0))
    alone, events = followed(following, 5, None)
    after, _ = followed(following, 6, (10.0, 40.0))
    assert before.ids == alone.ids == after.ids
    assert events == ()
    assert alone.z_px == pytest.approx(before.z_px, abs=0.1)
    assert np.abs(after.course_z_px).max() < 0.1


def test_a_field_that_began_without_heights_stays_flat() -> None:
    following = Following(lambda: Tracker(TrackerConfig()), PIXEL_UM)
    first, _ = followed(following, 0, None)
    then, _ = followed(following, 1, (10.0, 40.0))
    assert first.ids == then.ids
    assert then.z_px == ()


def test_a_field_with_heights_that_is_taken_up_keeps_them_through_a_single_plane() -> None:
    def following() -> Following:
        return Following(lambda: Tracker(TrackerConfig()), PIXEL_UM)

    def shot(number: int, *, is_deep: bool, to: Following) -> Tracks:
        at = msgspec.structs.replace(info(0, 1), shot=Shot(number, 0, 1), index=Index(number))
        return to.update(at, plane(4), seen(WHOLE).raised(found()) if is_deep else found())[0]

    first = following()
    for number in range(8):
        before = shot(number, is_deep=True, to=first)
    known = first.known("run", 0, 7, dose={}, shot_dose={}, cells=None)
    assert known is not None
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=Known)
    second = following()
    second.begin(msgspec.structs.replace(info(0, 1), shot=Shot(8, 0, 1)), kept, 100)
    after = shot(8, is_deep=False, to=second)
    never_died = shot(8, is_deep=False, to=first)
    assert (after.ids, after.z_px) == (never_died.ids, never_died.z_px)
    assert after.z_px == pytest.approx(before.z_px, abs=0.5)
