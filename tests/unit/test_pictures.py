"""Pictures for the eye alone: which are drawn, from which frames, and that none decides."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from lightloop.config import ConfigError, parse
from lightloop.pictures import MOST_PLANES, Pictures, _depth_of_field_um, pictures_a_shot
from models import EngineUnavailable
from models.axial import AxialInterpolator
from models.superres import SuperResolver
from realtime.wire import RestoredSlot, RingInfo
from tests.unit.fake_network import package, use

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


def pictures(shelf: Shelf, *, fine: bool = True, axial: bool = True, between: int = 1) -> Pictures:
    two = package(task="axial", in_frames=2, extra_channels=("dz", "fraction"))
    return Pictures(
        SHAPE,
        SuperResolver(package(task="superres", upscale=2), SHAPE, *CAMERA) if fine else None,
        AxialInterpolator(two, SHAPE, *CAMERA, depth_of_field_um=1.0) if axial else None,
        shelf,
        between,
    )


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
    assert _depth_of_field_um(simulated) == pytest.approx(n * nm / 1000 / aperture**2)
    told = parse(DEMO.format(kind="simulated", network="depth_of_field_um = 3.5"))
    assert _depth_of_field_um(told) == 3.5
    with pytest.raises(ConfigError, match=r"network\.axial needs network\.depth_of_field_um"):
        parse(DEMO.format(kind="micro-manager", network='axial = "x"'))
