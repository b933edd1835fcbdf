"""Stacks with planes left out: which are taken, what they say of the others, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from models.axial import AxialInterpolator
from models.axial_check import PlaneError
from models.electrons import Electrons
from realtime.skipped_planes import FLAG, GOOD_STACKS, PlaneWatch, SkipConfig, SkippedPlanes
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (64, 64)
HEIGHTS = tuple(0.5 * k for k in range(9))
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
GOOD = PlaneError(1.0, 0.5, 1.0, 0.1, 0.05, 0.15, 4)
BAD = PlaneError(0.0, 5.0, 5.0, 0.8, 0.7, 0.9, 4)


def plan(every: int = 2, check_every: int = 4) -> SkippedPlanes:
    return SkippedPlanes(HEIGHTS, SkipConfig(every, check_every))


def settled(skipping: SkippedPlanes) -> SkippedPlanes:
    for _ in range(GOOD_STACKS):
        assert skipping.next(0) == HEIGHTS
        assert skipping.saw(0, GOOD) == ""
    return skipping


@pytest.mark.parametrize("every", [2, 3])
def test_planes_are_skipped_once_whole_stacks_agree(every) -> None:
    skipping = settled(plan(every))
    while len(skipping.next(0)) > len(skipping.kept):
        skipping.saw(0, GOOD)  # a check was due
    assert skipping.next(0) == tuple(HEIGHTS[k] for k in range(0, 9, every) if k < 9) + (
        () if 8 % every == 0 else (HEIGHTS[8],)
    )


def test_every_skipped_plane_has_its_turn_to_be_taken() -> None:
    skipping, extra = settled(plan(check_every=4)), []
    for _ in range(40):
        heights = skipping.next(0)
        extra += [HEIGHTS.index(h) for h in heights if HEIGHTS.index(h) in skipping.skipped]
        is_check = len(heights) > len(skipping.kept)
        assert skipping.saw(0, GOOD if is_check else None) == ""
    assert len(extra) == 10
    assert set(extra) == {1, 3, 5, 7}


def test_a_bad_plane_brings_whole_stacks_until_they_are_good_again() -> None:
    skipping = settled(plan())
    assert skipping.saw(0, BAD) == FLAG
    assert skipping.next(0) == HEIGHTS
    assert "miss 80% of the contrast, at most 50% is allowed" in skipping.why(0)
    assert skipping.saw(0, GOOD) == ""
    assert skipping.saw(0, BAD) == FLAG  # it begins anew
    settled(skipping)
    assert len(skipping.next(0)) < len(HEIGHTS)


def test_a_bad_field_does_not_speak_for_another() -> None:
    skipping = settled(plan())
    skipping.saw(0, BAD)
    assert skipping.next(0) == HEIGHTS
    for _ in range(GOOD_STACKS):
        skipping.saw(1, GOOD)
    assert len(skipping.next(1)) < len(HEIGHTS)
    assert skipping.next(0) == HEIGHTS


def test_without_skipping_every_stack_is_whole() -> None:
    skipping = plan(every=1)
    for _ in range(12):
        assert skipping.next(0) == HEIGHTS
        assert skipping.saw(0, None) == ""


@pytest.mark.parametrize(
    ("heights", "every"), [((0.0, 1.0, 2.0), 2), ((0.0, 1.0, 2.5, 3.0, 4.0), 2), (HEIGHTS[::-1], 2)]
)
def test_a_stack_that_cannot_be_skipped_is_refused(heights, every) -> None:
    with pytest.raises(ValueError, match="skipping"):
        SkippedPlanes(heights, SkipConfig(every))


# -- what is compared ------------------------------------------------------------------------------


def scene(phase: float) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return 60.0 * (1.2 + np.sin(x / 7.0 + phase) * np.cos(y / 5.0))


def frame(rng: np.random.Generator, light: np.ndarray) -> np.ndarray:
    electrons = rng.poisson(light) + rng.normal(0.0, CAMERA[2], SHAPE)
    return np.clip(np.round(100 + 2 * electrons), 0, 65535).astype(np.uint16)


def info(shot: int, z: int) -> FrameInfo:
    return FrameInfo(
        z, "Camera", z, 0, 0.0, Shot(shot, 0, 9), z, Index(0, 0, z, 0), *SHAPE,
        (0.0, 0.0, HEIGHTS[z]), APPLIED,
    )  # fmt: skip


def watched(skipping: SkippedPlanes, phases: list[float], shots: int = 1) -> PlaneError | None:
    extra = ("dz", "fraction")
    one = package(task="axial", in_frames=6, extra_channels=extra, restored_by="denoise-2d")
    axial = AxialInterpolator(one, SHAPE, *CAMERA, depth_of_field_um=1.0)
    watch, rng, said = (
        PlaneWatch(skipping, axial, Electrons(*CAMERA)),
        np.random.default_rng(1),
        None,
    )
    for shot in range(shots):
        for z, height in enumerate(HEIGHTS):
            if height in skipping.next(0):
                watch.see(info(shot, z), frame(rng, scene(phases[z])), z)
        said = watch.judge(0)
        flag = skipping.saw(0, said)
        assert (flag == FLAG) == (said is not None and said.low > 0.5)
    return said


def test_a_smooth_stack_is_drawn_well_and_one_of_strangers_is_not(monkeypatch) -> None:
    use(monkeypatch)
    smooth = watched(plan(), [0.1 * z for z in range(9)])
    assert smooth is not None
    assert smooth.planes == 4
    assert smooth.share < 0.35  # the blur of the denoiser that corrects nothing is in it
    strangers = plan()
    said = watched(strangers, [0.0, 3.1] * 4 + [0.0])
    assert said is not None
    assert said.low > 0.9
    assert strangers.next(0) == HEIGHTS


def test_a_stack_without_its_skipped_planes_says_nothing(monkeypatch) -> None:
    use(monkeypatch)
    skipping = settled(plan(check_every=1000))
    assert len(skipping.next(0)) < len(HEIGHTS)
    assert watched(skipping, [0.0] * 9) is None
