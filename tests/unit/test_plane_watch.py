"""Planes that were taken after all, compared with what would have been drawn."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from models.axial import AxialInterpolator
from models.electrons import Electrons
from models.errors import EngineUnavailable
from realtime.planes.skipped import SkipConfig, SkippedPlanes
from realtime.planes.watch import PlaneWatch
from realtime.policy.observation import StackSeen
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (64, 64)
HEIGHTS = tuple(0.5 * k for k in range(9))
ALL, KEPT = tuple(range(9)), (0, 2, 4, 6, 8)
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
SMOOTH = [0.1 * z for z in range(9)]
STRANGERS = [0.0, 3.1] * 4 + [0.0]


def scene(phase: float) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return 60.0 * (1.2 + np.sin(x / 7.0 + phase) * np.cos(y / 5.0))


def frame(rng: np.random.Generator, light: np.ndarray) -> np.ndarray:
    electrons = rng.poisson(light) + rng.normal(0.0, CAMERA[2], SHAPE)
    return np.clip(np.round(100 + 2 * electrons), 0, 65535).astype(np.uint16)


def info(shot: int, z: int, position: int = 0) -> FrameInfo:
    return FrameInfo(
        z, "Camera", z, 0, 0.0, Shot(shot, position, 9), z, Index(0, 0, z, position), *SHAPE,
        (0.0, 0.0, HEIGHTS[z]), APPLIED,
    )  # fmt: skip


@pytest.fixture
def watch(monkeypatch) -> PlaneWatch:
    use(monkeypatch)
    return new_watch()


def new_watch(every: int = 2) -> PlaneWatch:
    extra = ("dz", "fraction")
    one = package(task="axial", in_frames=6, extra_channels=extra, restored_by="denoise-2d")
    axial = AxialInterpolator(one, SHAPE, *CAMERA, depth_of_field_um=1.0)
    return PlaneWatch(SkippedPlanes(HEIGHTS, SkipConfig(every)), axial, Electrons(*CAMERA))


def stack(watch: PlaneWatch, phases: list[float], planes=ALL, shot=0, position=0) -> StackSeen:
    rng, reused = np.random.default_rng(9 * shot + position), np.empty(SHAPE, np.uint16)
    for z in planes:
        reused[...] = frame(rng, scene(phases[z]))  # the ring's slot is used again
        watch.see(info(shot, z, position), reused)
    said = watch.judge(position)
    watch.forget()
    return said


def test_a_smooth_stack_is_drawn_well_and_one_of_strangers_is_not(watch) -> None:
    for shot in range(4):
        good = stack(watch, SMOOTH, shot=shot)
        bad = stack(watch, STRANGERS, shot=shot, position=1)
    assert (good.taken, good.compared, good.trouble) == (ALL, 1, "")
    assert good.low <= good.share <= good.high
    assert good.share < 0.35  # the blur of the denoiser that corrects nothing is in it
    assert bad.low > 0.9
    for position, seen in enumerate((good, bad)):
        said = watch.said(position)
        assert said is not None
        assert said.weight == seen.weight
    assert watch.said(7) is None, "of a field that was not seen, nothing speaks against it"


def test_a_stack_without_its_skipped_planes_says_nothing(watch) -> None:
    assert stack(watch, SMOOTH, KEPT) == StackSeen(KEPT)
    assert stack(watch, SMOOTH, (0, 1, 4, 6, 8)).compared == 0, "a neighbour is missing"


def test_one_plane_of_a_whole_stack_is_compared_and_each_has_its_turn(watch, monkeypatch) -> None:
    compared: list[int] = []
    original = PlaneWatch._compare
    monkeypatch.setattr(
        PlaneWatch,
        "_compare",
        lambda self, position, plane: compared.append(plane) or original(self, position, plane),
    )
    for shot in range(5):
        stack(watch, SMOOTH, shot=shot)
    assert compared == [1, 3, 5, 7, 1]


def test_a_plane_is_drawn_from_those_alone_that_are_there_when_it_is_skipped(monkeypatch) -> None:
    use(monkeypatch)
    watch, asked = new_watch(every=3), []  # 0, 3, 6, 8 are kept
    inner = watch._axial.__class__.__call__

    def spy(self, lower, upper, dz_um, fraction, below, above):
        asked.append((dz_um, round(fraction, 3), below is None, above is None))
        return inner(self, lower, upper, dz_um, fraction, below, above)

    monkeypatch.setattr(AxialInterpolator, "__call__", spy)
    for shot in range(5):
        stack(watch, SMOOTH, shot=shot)
    assert asked == [
        (1.5, 0.333, True, False),
        (1.5, 0.667, True, False),
        (1.5, 0.333, False, True),
        (1.5, 0.667, False, True),
        (1.0, 0.5, True, True),  # plane 4 was taken, and would not be
    ]


def test_a_network_that_fails_says_so_from_then_on(watch, monkeypatch, caplog) -> None:
    def fails(self, *planes, **more):
        raise EngineUnavailable("the driver is gone")

    monkeypatch.setattr(AxialInterpolator, "__call__", fails)
    for shot in range(3):
        said = stack(watch, SMOOTH, shot=shot)
        assert said == StackSeen(ALL, trouble=said.trouble)
        assert said.trouble == "planes cannot be drawn any more: the driver is gone"
    assert caplog.text.count("all planes are taken") == 1


def test_a_bad_field_and_its_way_back_are_told_once_each(watch, caplog) -> None:
    for shot in range(4):
        stack(watch, STRANGERS, shot=shot)
    assert caplog.text.count("all planes are taken") == 1
    watch._checks.clear()
    for shot in range(4):
        stack(watch, SMOOTH, shot=shot)
    assert caplog.text.count("good again") == 1


def test_the_frames_of_a_stack_need_no_new_memory_in_the_next(watch) -> None:
    stack(watch, SMOOTH)
    first = {id(one) for one in watch._spare}
    stack(watch, SMOOTH, shot=1)
    assert {id(one) for one in watch._spare} == first
    assert len(first) == len(ALL)
