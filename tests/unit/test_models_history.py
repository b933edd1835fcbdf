"""A network that sees frames before this one: only those that are of the same, and none to come."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

from models import changes, noise
from models.denoise import Denoiser
from models.errors import ModelError
from models.history import History, Moment
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (40, 53)
PADDED = (40, 56)
MU, SD, PEDESTAL = 8.0, 6.0, 0.375 + 1.5**2


def moment(t: int, field: object = 0, **more: object) -> Moment:
    return Moment(field, t, more.pop("look", t), more.pop("light", 1.0), **more)


def cells(seed: int = 0, light: float = 1.0, shift: int = 0, shape=SHAPE) -> np.ndarray:
    """Blobs that fill the frame, with the noise of one exposure, ADU."""
    scene = np.random.default_rng(5).standard_normal((256, 256))
    scene = 12 * np.maximum(cv2.GaussianBlur(scene, (0, 0), 6) * 12, 0) + 1
    photons = light * scene[100 : 100 + shape[0], 100 + shift : 100 + shift + shape[1]]
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(photons) + 1.5 * rng.standard_normal(shape)
    return np.clip(np.round(100 + 2 * electrons), 0, 65535).astype(np.uint16)


def normalised(adu: np.ndarray) -> np.ndarray:
    return (noise.forward(adu, *CAMERA) - MU) / SD


@pytest.fixture(autouse=True)
def past_as_it_is(monkeypatch) -> None:
    """Which past is seen is the question here, not which parts of it: see test_models_changes."""
    monkeypatch.setattr(changes, "FROM", np.inf)


@pytest.fixture
def opened(monkeypatch):
    return use(monkeypatch)


@pytest.fixture
def denoiser(opened) -> Denoiser:
    return Denoiser(package(in_frames=5), SHAPE, *CAMERA)


def planes_of(denoiser: Denoiser, opened: list, adu: np.ndarray, when: Moment) -> np.ndarray:
    denoiser.expect(when)
    denoiser(adu)
    return opened[0].seen[-1][:, : SHAPE[0], : SHAPE[1]]


def test_frames_are_shown_oldest_first_and_missing_ones_as_the_blurred_present(
    denoiser, opened
) -> None:
    movie = [cells(seed) for seed in range(7)]
    for t, adu in enumerate(movie):
        planes = planes_of(denoiser, opened, adu, moment(t))
        smooth = cv2.GaussianBlur(noise.forward(adu, *CAMERA), (9, 9), 1.4)
        for lag in range(5):
            wanted = normalised(movie[t - lag]) if t >= lag else (smooth - MU) / SD
            np.testing.assert_allclose(planes[4 - lag], wanted, atol=2e-5)
        assert denoiser.frames_seen == min(t + 1, 5)


def test_what_comes_later_changes_nothing_bit_by_bit(monkeypatch) -> None:
    use(monkeypatch, lambda planes: (planes.mean(0), planes[0] - planes[2]))
    answers = []
    for last in (3, 99):
        restore = Denoiser(package(in_frames=5), SHAPE, *CAMERA)
        seen = [restore(cells(seed)).photons.copy() for seed in (0, 1, 2, last)]
        answers.append(seen)
    for before, after in zip(*[a[:3] for a in answers], strict=True):
        assert np.array_equal(before, after)
    assert not np.array_equal(answers[0][3], answers[1][3])


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0, 1.25, 2.0])
def test_past_frames_are_brought_to_the_present_light(denoiser, opened, ratio) -> None:
    past = cells(0)
    planes_of(denoiser, opened, past, moment(0, light=3.0))
    planes = planes_of(denoiser, opened, cells(1, light=ratio), moment(1, light=3.0 * ratio))
    electrons = np.maximum((past - 100.0) / 2, -PEDESTAL) * ratio
    wanted = (2 * np.sqrt(np.maximum(electrons + PEDESTAL, 0)) - MU) / SD
    np.testing.assert_allclose(planes[3], wanted, atol=2e-5)


@pytest.mark.parametrize(("then", "now"), [(1.0, 2.1), (1.0, 0.45), (0.0, 1.0), (1.0, 0.0)])
def test_a_past_under_too_different_or_unknown_light_is_missing(
    denoiser, opened, then, now
) -> None:
    planes_of(denoiser, opened, cells(0), moment(0, light=then))
    planes_of(denoiser, opened, cells(1), moment(1, light=now))
    assert denoiser.frames_seen == 1


@pytest.mark.parametrize(
    "second",
    [
        moment(1, field=(0, 1)),
        moment(1, y_px=2.5),
        moment(1, x_px=-30.0),
        moment(-1),
        moment(9),
    ],
    ids=["another field", "stage moved", "stage moved far", "begun anew", "gap"],
)
def test_another_field_a_stage_move_and_a_long_gap_leave_no_past(denoiser, opened, second) -> None:
    planes_of(denoiser, opened, cells(0), moment(0))
    planes_of(denoiser, opened, cells(1), second)
    assert denoiser.frames_seen == 1


def test_a_lost_frame_leaves_its_own_place_empty(denoiser, opened) -> None:
    first, third = cells(0), cells(2)
    planes_of(denoiser, opened, first, moment(0))
    planes = planes_of(denoiser, opened, third, moment(2))
    np.testing.assert_allclose(planes[2], normalised(first), atol=2e-5)
    assert not np.allclose(planes[3], normalised(first), atol=0.1)
    assert denoiser.frames_seen == 2


def test_both_frames_of_an_audit_see_the_same_past(denoiser, opened) -> None:
    for t in range(6):
        planes_of(denoiser, opened, cells(t), moment(t))
    once = planes_of(denoiser, opened, cells(6), moment(6, look="audit")).copy()
    again = planes_of(denoiser, opened, cells(7), moment(6, look="audit"))
    assert np.array_equal(once[:4], again[:4])
    after = planes_of(denoiser, opened, cells(8), moment(7))
    np.testing.assert_allclose(after[3], normalised(cells(6)), atol=2e-5)
    np.testing.assert_allclose(after[2], normalised(cells(5)), atol=2e-5)


def test_frames_of_one_burst_follow_each_other_though_their_time_point_is_one(
    denoiser, opened
) -> None:
    for place in range(3):
        planes_of(denoiser, opened, cells(place), moment(0, look=place))
        assert denoiser.frames_seen == place + 1


def history(**more: int) -> History:
    return History(4, PADDED, PEDESTAL, MU, SD, **more)


def see(past: History, when: Moment, adu: np.ndarray | None = None) -> int:
    padded = np.pad(cells() if adu is None else adu, ((0, 0), (0, 3)), mode="reflect")
    planes = np.empty((5, *PADDED), np.float32)
    planes[4] = normalised(padded)
    return past.fill(when, cv2.GaussianBlur(planes[4], (9, 9), 1.4), planes)


@pytest.mark.parametrize("light", [0.3, 1.0, 10.0])
def test_another_scene_is_noticed_and_noise_is_not_one(light) -> None:
    past = history()
    for t in range(8):
        assert see(past, moment(t), cells(t, light)) == min(t, 4)
    assert see(past, moment(8), cells(8, light, shift=60)) == 0
    assert see(past, moment(9), cells(9, light, shift=60)) == 1


def test_cells_that_walk_and_light_that_changes_are_no_other_scene() -> None:
    past = history()
    for t in range(1, 12):
        light = (1.0, 1.5, 0.9)[t % 3]
        assert see(past, moment(t, light=light), cells(t, light, shift=2 * t)) == min(t - 1, 4)


def test_light_that_doubles_unannounced_ends_the_past() -> None:
    past = history()
    see(past, moment(0), cells(0))
    assert see(past, moment(1), cells(1, 4.0)) == 0


@pytest.mark.parametrize("photons", [0.0, 20.0])
def test_an_empty_field_keeps_its_past(photons) -> None:
    past, rng = history(), np.random.default_rng(0)
    for t in range(20):
        electrons = rng.poisson(photons, SHAPE) + 1.5 * rng.standard_normal(SHAPE)
        adu = np.clip(np.round(100 + 2 * electrons), 0, 65535).astype(np.uint16)
        assert see(past, moment(t), adu) == min(t, 4)


def test_fields_are_forgotten_where_memory_ends_the_longest_unseen_first() -> None:
    past = history(max_fields=3)
    for name in "abc":
        see(past, moment(0, name))
    assert see(past, moment(1, "a")) == 1  # now b is the longest unseen
    see(past, moment(0, "d"))
    assert len(past) == 3
    assert [see(past, moment(2, name)) for name in "acd"] == [2, 1, 1]
    assert see(past, moment(2, "b")) == 0


@pytest.mark.parametrize(("max_bytes", "fields"), [(0, 1), (10**9, 24), (2 * 5 * 4 * 40 * 56, 2)])
def test_memory_is_bounded_in_bytes_and_one_field_always_fits(max_bytes, fields) -> None:
    assert history(max_bytes=max_bytes).max_fields == fields


def test_forgetting_keeps_the_memory_and_not_the_frames() -> None:
    past = history()
    see(past, moment(0))
    past.forget()
    assert see(past, moment(1)) == 0


def test_a_frame_with_a_past_costs_no_new_image_array(monkeypatch) -> None:
    shape = (256, 256)
    use(monkeypatch)
    restore = Denoiser(package(in_frames=5), shape, *CAMERA)
    movie = [np.full(shape, 140 + t, np.uint16) for t in range(8)]
    engine = restore._network._engine
    engine.infer = lambda frames: engine.out
    engine.out[...] = 0.0
    for t, adu in enumerate(movie):
        restore.expect(moment(t, light=1.0 + t % 2 / 2))
        restore(adu)
    tracemalloc.start()
    restore.expect(moment(8, light=1.2))
    restore(movie[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 256 * 256 * 4 // 4


def test_a_single_frame_network_keeps_no_past(opened) -> None:
    restore = Denoiser(package(), SHAPE, *CAMERA)
    restore.expect(moment(0))
    restore.forget()
    assert restore(cells()).photons.shape == SHAPE
    assert opened[0].frames.shape == (1, 1, *PADDED)
    assert (restore.in_frames, restore.frames_seen) == (1, 1)


def test_an_engine_with_other_planes_than_the_package_is_refused(monkeypatch) -> None:
    use(monkeypatch)
    real = package(in_frames=5)

    def open_engine(*_: object):
        from tests.unit.fake_network import FakeEngine

        return FakeEngine(package().manifest, PADDED)

    monkeypatch.setattr("models.network.open_engine", open_engine)
    with pytest.raises(ModelError, match="takes 1 planes, the package states 5"):
        Denoiser(real, SHAPE, *CAMERA)
