"""Pictures for the eye alone: which are drawn, from which frames, and that none decides."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from lightloop.build.pictures import depth_of_field_of, pictures_a_shot
from lightloop.config import ConfigError, parse
from lightloop.pictures.pictures import MOST_PLANES, Pictures
from models.axial import AxialInterpolator
from models.axial_check import PlaneError
from models.errors import EngineUnavailable
from models.stated import Stated
from models.superres import SuperResolver
from realtime.wire import RestoredSlot, RingInfo
from tests.unit.fake_network import no_change, package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (24, 32)
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)


def info(z: int, step_um: float = 2.0) -> FrameInfo:
    return FrameInfo(
        z, "Camera", z, 0, 0.0, Shot(0, 0, 9), z, Index(0, 0, z, 0), *SHAPE,
        (0.0, 0.0, step_um * z), APPLIED,
    )  # fmt: skip


class Shelf:
    """Keeps images as a ring would, and forgets none."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def __call__(self, image: np.ndarray) -> RestoredSlot:
        self.images.append(image.copy())
        return RestoredSlot(RingInfo("ll", 4, 1), len(self.images) - 1, 1, *image.shape)


def level(photons: float) -> np.ndarray:
    return np.full(SHAPE, 100 + 2 * photons, np.uint16)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def pictures(
    shelf: Shelf, *, fine: bool = True, axial: bool = True, between: int = 1, **pace: Any
) -> Pictures:
    two = package(task="axial", in_frames=2, extra_channels=("dz", "fraction"))
    return Pictures(
        SHAPE,
        SuperResolver(package(task="superres", upscale=2), SHAPE, *CAMERA) if fine else None,
        AxialInterpolator(two, SHAPE, *CAMERA, depth_of_field_um=1.0) if axial else None,
        shelf,
        between,
        **({"most_of_rest": float("inf")} | pace),
    )


def test_a_picture_says_what_error_is_to_be_expected(monkeypatch, shelf) -> None:
    use(monkeypatch)
    scales = {f"{region}.{octave}.{part}": value for region in ("cells", "background")
              for octave in (0, 5) for part, value in
              (("low", 0.5), ("middle", 1.0), ("high", 2.0))}  # fmt: skip
    net = package(task="superres", upscale=2, conformal=scales)
    fine = SuperResolver(net, SHAPE, *CAMERA)
    one_known = {"superres": Stated(net.manifest)}
    for known in ({}, one_known):
        drawing = Pictures(SHAPE, fine, None, shelf, 1, float("inf"), stated=known)
        adu = level(20.0)
        adu[8:16, 8:16] = 500
        drawing.see(info(0), adu)
        (picture,) = drawing.draw()
        assert (picture.rmse_e > 0) is bool(known)
        assert picture.rmse_low_e == pytest.approx(0.5 * picture.rmse_e)
        assert picture.rmse_high_e == pytest.approx(2.0 * picture.rmse_e)


def test_planes_further_out_are_shown_where_they_lie_evenly_and_each_is_restored_once(
    monkeypatch, shelf
) -> None:
    opened = use(monkeypatch)
    extra = ("dz", "fraction")
    four = package(task="axial", in_frames=6, extra_channels=extra, restored_by="denoise-2d")
    axial = AxialInterpolator(four, SHAPE, *CAMERA, depth_of_field_um=1.0)
    drawing = Pictures(SHAPE, None, axial, shelf, 1, float("inf"))
    for z, height_um in enumerate((0.0, 1.0, 2.0, 3.0, 5.0)):  # the last one lies further away
        frame = msgspec.structs.replace(info(z), position_um=(0.0, 0.0, height_um))
        drawing.see(frame, level(10.0 * (z + 1)))
    assert len(drawing.draw()) == 4
    network, denoiser = opened
    assert len(denoiser.seen) == 5
    shown = [
        [round(float(((6 * plane[0, 0] + 8) / 2) ** 2 - 0.375 - 1.5**2) / 10) for plane in each]
        for each in (seen[2:6] for seen in network.seen)
    ]  # lower, upper, below, above by what they are: 1 to 5
    assert shown == [[1, 2, 1, 3], [2, 3, 1, 4], [3, 4, 2, 4], [4, 5, 4, 5]]


def test_a_stack_gets_its_middle_plane_in_fine_pixels_and_planes_between(
    monkeypatch, shelf
) -> None:
    use(monkeypatch)
    drawing = pictures(shelf, between=2)
    reused = np.empty(SHAPE, np.uint16)
    for z, photons in enumerate((10.0, 40.0, 90.0)):
        reused[...] = level(photons)  # the ring's slot is used again after each frame
        drawing.see(info(z), reused)
    drawn = drawing.draw()
    assert [(p.kind, round(p.z, 2)) for p in drawn] == [
        ("superres", 1.0), ("axial", 0.33), ("axial", 0.67), ("axial", 1.33), ("axial", 1.67),
    ]  # fmt: skip
    assert all("fake-f32" in p.model_id for p in drawn)
    assert shelf.images[0].shape == (48, 64)
    np.testing.assert_allclose(shelf.images[0], 10.0, atol=0.1)
    assert 10 < shelf.images[1].mean() < shelf.images[2].mean() < 40 < shelf.images[3].mean()
    assert [p.slot.slot for p in drawn] == [0, 1, 2, 3, 4]


def test_planes_that_were_left_out_are_drawn_where_they_lie_and_as_far_as_they_are_believed(
    monkeypatch, shelf
) -> None:
    use(monkeypatch)
    asked: list[int] = []
    said = PlaneError(0.25)
    drawing = pictures(shelf, fine=False, between=0, believe=lambda p: asked.append(p) or said)
    for z in (0, 3, 4, 6):
        drawing.see(info(z), level(10.0 * (z + 1)))
    assert [(p.kind, p.z) for p in drawing.draw()] == [
        ("axial", 1.0), ("axial", 2.0), ("axial", 5.0)
    ]  # fmt: skip
    assert asked == [0]
    assert drawing._between is not None
    assert drawing._between._axial.weight == 0.25
    assert 10 < shelf.images[0].mean() < shelf.images[1].mean() < 40
    assert 50 < shelf.images[2].mean() < 70


def test_a_single_plane_has_none_between_and_a_second_look_is_not_another_plane(
    monkeypatch, shelf
) -> None:
    use(monkeypatch)
    drawing = pictures(shelf)
    drawing.see(info(0), level(20.0))
    drawing.see(info(0), level(99.0))
    assert [p.kind for p in drawing.draw()] == ["superres"]
    np.testing.assert_allclose(shelf.images[0], 5.0, atol=0.1)


def test_each_shot_begins_with_nothing_and_needs_no_new_memory(monkeypatch, shelf) -> None:
    use(monkeypatch)
    drawing = pictures(shelf, fine=False)
    drawing.see(info(0), level(20.0))
    first = drawing._planes[0][0]
    drawing.forget()
    assert drawing.draw() == ()
    drawing.see(info(5), level(20.0))
    assert drawing._planes[5][0] is first


def test_planes_that_were_not_next_to_each_other_or_not_apart_are_not_joined(
    monkeypatch, shelf
) -> None:
    use(monkeypatch)
    drawing = pictures(shelf, fine=False)
    drawing.see(info(0), level(20.0))
    drawing.see(info(2), level(20.0))
    assert drawing.draw() == ()
    drawing.forget()
    for z in (0, 1):
        drawing.see(info(z, step_um=0.0), level(20.0))
    assert drawing.draw() == ()


def test_so_many_planes_wait_in_memory_and_no_more(monkeypatch, shelf) -> None:
    use(monkeypatch)
    drawing = pictures(shelf, fine=False)
    for z in range(MOST_PLANES + 9):
        drawing.see(info(z), level(20.0))
    assert len(drawing.draw()) == MOST_PLANES - 1


def test_a_network_that_fails_is_told_and_left_out_and_the_other_goes_on(
    monkeypatch, shelf, caplog
) -> None:
    opened = use(monkeypatch)

    def fail(_: np.ndarray) -> np.ndarray:
        raise EngineUnavailable("gone")

    drawing = pictures(shelf)
    opened[0].infer = fail
    for z in (0, 1):
        drawing.see(info(z), level(20.0))
    for _ in range(2):
        assert [p.kind for p in drawing.draw()] == ["axial"]
    assert caplog.text.count("no super-resolved images any more: gone") == 1
    drawing.close()
    assert not opened[1].is_open


class Clock:
    """A clock that goes on when it is told to, and while a network looks at a frame."""

    def __init__(self) -> None:
        self.now_ns = 10**12

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


def shot(drawing: Pictures, clock: Clock, rest_s: float, planes: int = 1) -> list[str]:
    """Rest, take a shot, and return the kinds of its pictures."""
    clock.wait(rest_s)
    for z in range(planes):
        drawing.see(info(z), level(20.0))
    drawn = drawing.draw()
    drawing.forget()
    return [picture.kind for picture in drawn]


def test_a_picture_takes_a_tenth_of_the_rest_between_shots_or_is_not_drawn(
    monkeypatch, shelf, caplog
) -> None:
    clock = Clock()

    def slow(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        clock.wait(0.02)
        return no_change(planes)

    opened = use(monkeypatch, slow)
    drawing = pictures(shelf, axial=False, most_of_rest=0.1, clock=clock)

    def looks() -> int:
        return sum(len(engine.seen) for engine in opened)

    assert shot(drawing, clock, 10.0) == ["superres"]
    assert looks() == 1  # nobody knew yet how long that takes
    for rest_s, ways in ((10.0, 8), (1.7, 8), (0.9, 4), (0.21, 1)):
        before = looks()
        assert shot(drawing, clock, rest_s) == ["superres"]
        assert looks() - before == ways
    for _ in range(3):
        assert shot(drawing, clock, 0.05) == []
    for _ in range(30):
        shot(drawing, clock, 0.001)
    assert caplog.text.count("no pictures for looking") == 1
    assert shot(drawing, clock, 10.0) == ["superres"]


def test_after_a_warm_up_even_the_first_shot_knows_how_long_drawing_takes(
    monkeypatch, shelf
) -> None:
    clock = Clock()

    def slow(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        clock.wait(0.02)
        return no_change(planes)

    opened = use(monkeypatch, slow)
    drawing = pictures(shelf, most_of_rest=0.1, clock=clock)
    drawing.warm_up()
    assert shelf.images == []  # nobody sees what was only tried
    before = sum(len(engine.seen) for engine in opened)
    assert shot(drawing, clock, 0.05, planes=2) == []
    assert sum(len(engine.seen) for engine in opened) == before


def test_one_slow_drawing_is_not_the_last(monkeypatch, shelf) -> None:
    clock, took_s = Clock(), [5.0]

    def slow(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        clock.wait(took_s[0])
        return no_change(planes)

    use(monkeypatch, slow)
    drawing = pictures(shelf, axial=False, most_of_rest=0.1, clock=clock)
    shot(drawing, clock, 10.0)
    took_s[0] = 0.001
    assert [] in (drawn := [shot(drawing, clock, 1.0) for _ in range(60)])
    assert drawn[-1] == ["superres"]


def test_planes_between_wait_for_time_too(monkeypatch, shelf) -> None:
    clock = Clock()

    def slow(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        clock.wait(0.02)
        return no_change(planes)

    use(monkeypatch, slow)
    drawing = pictures(shelf, fine=False, most_of_rest=0.1, clock=clock)
    assert shot(drawing, clock, 1.0, planes=3) == ["axial", "axial"]
    assert shot(drawing, clock, 0.41, planes=3) == ["axial", "axial"]
    assert shot(drawing, clock, 0.3, planes=3) == []


DEMO = """
[scope]
kind = "{kind}"
[[light]]
name = "488"
wavelength_nm = 488.0
shutter_device = "Shutter"
gate = "camera"
limits = {{ budget_j_cm2 = 1.0 }}
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 10.0
[plan]
time_plan = {{ interval = {{ seconds = 1 }}, loops = 2 }}
z_plan = {{ range = 8.0, step = 2.0 }}
[network]
{network}
"""


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        ("", 0),
        ('superres = "fine"', 1),
        ('axial = "between"', 4),
        ('superres = "fine"\naxial = "between"\naxial_planes = 2', 9),
    ],
)
def test_room_is_made_for_every_picture_of_a_shot(network, wanted) -> None:
    config = parse(DEMO.format(kind="simulated", network=network))
    assert pictures_a_shot(config) == wanted


def test_the_depth_of_field_is_the_scope_s_or_the_user_s() -> None:
    simulated = parse(DEMO.format(kind="simulated", network='axial = "x"'))
    scope = simulated.scope
    n, nm, aperture = scope.immersion_index, scope.emission_nm, scope.numerical_aperture
    assert depth_of_field_of(simulated) == pytest.approx(n * nm / 1000 / aperture**2)
    told = parse(DEMO.format(kind="simulated", network="depth_of_field_um = 3.5"))
    assert depth_of_field_of(told) == 3.5
    with pytest.raises(ConfigError, match=r"network\.axial needs network\.depth_of_field_um"):
        parse(DEMO.format(kind="micro-manager", network='axial = "x"'))
