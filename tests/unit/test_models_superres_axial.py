"""Super-resolution and planes between, with networks whose answer is known."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

from models import noise
from models.axial import AxialInterpolator, depth_of_field_um
from models.denoise import Denoiser
from models.errors import FrameRefused, ModelError
from models.evenness import Evener
from models.superres import SuperResolver, rebin
from tests.unit.fake_network import package, use

CAMERA = (2.0, 100.0, 1.5)
SHAPE = (24, 37)
MU, SD, SURE = 8.0, 6.0, np.exp(-7.0)
FINE = {"task": "superres", "upscale": 2}
BETWEEN = {"task": "axial", "in_frames": 2, "extra_channels": ("dz", "fraction")}


def frame(level_e: float = 20.0, seed: int = 0) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    photons = level_e * (1 + 0.5 * np.sin(x / 5.0) * np.cos(y / 4.0))
    return np.round(100 + 2 * np.random.default_rng(seed).poisson(photons)).astype(np.uint16)


def smooth(adu: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(noise.forward(adu, *CAMERA), (9, 9), 1.4)


def photons_of(mean: np.ndarray, variance: float = SURE) -> np.ndarray:
    return np.maximum((mean**2 + variance) / 4 - 0.375 - 1.5**2, 0)


def resolver(shape: tuple[int, int] = SHAPE) -> SuperResolver:
    return SuperResolver(package(**FINE), shape, *CAMERA)


def interpolator(shape: tuple[int, int] = SHAPE) -> AxialInterpolator:
    return AxialInterpolator(package(**BETWEEN), shape, *CAMERA, depth_of_field_um=2.0)


# -- super-resolution ------------------------------------------------------------------------------


def test_without_a_correction_fine_pixels_are_the_enlarged_blurred_frame(monkeypatch) -> None:
    use(monkeypatch)
    adu = frame()
    answer = resolver()(adu)
    base = cv2.resize(smooth(adu), (74, 48), interpolation=cv2.INTER_LINEAR)
    wanted = (photons_of(base) / 4).astype(np.float32)
    Evener(SHAPE, 0.375 + 1.5**2, 2)(noise.forward(adu, *CAMERA).astype(np.float32), wanted)
    np.testing.assert_allclose(answer.photons, wanted, rtol=2e-4, atol=1e-3)


def test_four_fine_pixels_hold_the_light_of_one(monkeypatch) -> None:
    use(monkeypatch)
    flat = np.full(SHAPE, 140, np.uint16)  # 20 e- a pixel
    answer = resolver()(flat)
    np.testing.assert_allclose(answer.photons, 5.0, atol=1e-2)
    np.testing.assert_allclose(rebin(answer.photons), 20.0, atol=4e-2)
    # The sum's error is at most four times that of each, where they err together.
    whole = Denoiser(package(), SHAPE, *CAMERA)(flat)
    np.testing.assert_allclose(4 * answer.sd_e[::2, ::2], whole.sd_e, rtol=1e-4)


def test_the_network_sees_the_normalised_frame_mirrored_to_eights(monkeypatch) -> None:
    opened, adu = use(monkeypatch), frame()
    resolver()(adu)
    seen = opened[0].seen[0]
    assert seen.shape == (1, 24, 40)
    wanted = (noise.forward(adu, *CAMERA) - MU) / SD
    np.testing.assert_allclose(seen[0, :, :37], wanted, atol=2e-5)
    np.testing.assert_allclose(seen[0, :, 37:], wanted[:, [35, 34, 33]], atol=2e-5)


@pytest.mark.parametrize("shape", [(24, 24), (24, 40)])
def test_the_frame_is_looked_at_in_eight_ways_and_each_answer_is_turned_back(
    monkeypatch, shape
) -> None:
    def what_is_seen(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return planes[0], np.full(planes.shape[1:], -7.0, np.float32)

    opened = use(monkeypatch, what_is_seen)
    adu = np.random.default_rng(3).poisson(40.0, shape).astype(np.uint16) + 100
    eight = SuperResolver(package(**FINE), shape, *CAMERA)(adu).photons.copy()
    ways = {seen[0].tobytes() for engine in opened for seen in engine.seen}
    assert len(ways) == 8
    one = SuperResolver(package(**FINE), shape, *CAMERA, views=1)(adu)
    # This network errs alike in all of them, so that any that is not turned back would show.
    np.testing.assert_allclose(eight, one.photons, rtol=1e-4, atol=1e-3)


def test_what_the_ways_to_look_differ_by_is_part_of_the_error(monkeypatch) -> None:
    def brighter_at_the_top(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope = np.linspace(0.0, 1.0, planes.shape[1], dtype=np.float32)[:, None]
        return np.broadcast_to(slope, planes.shape[1:]), np.full(planes.shape[1:], -7.0, "f4")

    use(monkeypatch, brighter_at_the_top)
    flat = np.full((24, 24), 140, np.uint16)
    answer = SuperResolver(package(**FINE), (24, 24), *CAMERA)(flat)
    np.testing.assert_allclose(answer.photons, answer.photons.mean(), rtol=0.02)  # no way wins
    edge, middle = answer.sd_e[0, 0], answer.sd_e[23, 23]
    assert edge > 5 * middle  # at the edges they say 0 or 1, in the middle all say 1/2


@pytest.mark.parametrize("views", [0, 9])
def test_there_are_one_to_eight_ways_to_look(monkeypatch, views) -> None:
    use(monkeypatch)
    with pytest.raises(ValueError, match="views must be 1 to 8"):
        SuperResolver(package(**FINE), SHAPE, *CAMERA, views=views)


def test_rebinning_keeps_every_photon() -> None:
    fine = np.random.default_rng(0).uniform(0, 9, (48, 74)).astype(np.float32)
    coarse = rebin(fine)
    assert coarse.shape == SHAPE
    assert coarse.sum() == pytest.approx(fine.sum(), rel=1e-6)
    assert coarse[3, 5] == pytest.approx(fine[6:8, 10:12].sum(), rel=1e-6)


# -- planes between --------------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.0, 1 / 3, 0.5, 2 / 3, 1.0])
def test_without_a_correction_a_plane_is_the_weighted_mean_of_its_neighbours(
    monkeypatch, fraction
) -> None:
    use(monkeypatch)
    lower, upper = frame(seed=1), frame(60.0, seed=2)
    answer = interpolator()(lower, upper, 1.0, fraction)
    base = (1 - fraction) * smooth(lower) + fraction * smooth(upper)
    np.testing.assert_allclose(answer.photons, photons_of(base), rtol=3e-4, atol=2e-3)


@pytest.mark.parametrize(("dz_um", "told"), [(0.5, 0.25), (2.0, 1.0), (8.0, 4.0), (50.0, 4.0)])
def test_the_network_is_told_the_distance_in_depths_of_field_and_the_place(
    monkeypatch, dz_um, told
) -> None:
    opened = use(monkeypatch)
    lower, upper = frame(seed=1), frame(60.0, seed=2)
    interpolator()(lower, upper, dz_um, 1 / 3)
    seen = opened[0].seen[-1]
    assert seen.shape == (4, 24, 40)
    np.testing.assert_allclose(seen[2], told)
    np.testing.assert_allclose(seen[3], 1 / 3)
    for plane, adu in zip(seen, (lower, upper), strict=False):
        wanted = (noise.forward(adu, *CAMERA) - MU) / SD
        np.testing.assert_allclose(plane[:, :37], wanted, atol=2e-5)


@pytest.mark.parametrize("dz_um", [0.0, -1.0, float("nan"), float("inf")])
def test_planes_that_do_not_lie_apart_are_refused(monkeypatch, dz_um) -> None:
    use(monkeypatch)
    with pytest.raises(ValueError, match="must lie > 0 um apart"):
        interpolator()(frame(), frame(), dz_um)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_place_outside_both_planes_is_refused(monkeypatch, fraction) -> None:
    use(monkeypatch)
    with pytest.raises(ValueError, match="fraction must be 0 to 1"):
        interpolator()(frame(), frame(), 1.0, fraction)


def test_the_depth_of_field_is_that_of_the_textbook() -> None:
    assert depth_of_field_um(500.0, 1.0, 1.33) == pytest.approx(0.665)
    assert depth_of_field_um(520.0, 0.5) == pytest.approx(2.08)
    with pytest.raises(ValueError, match="aperture"):
        depth_of_field_um(500.0, 1.4, 1.33)
    with pytest.raises(ValueError, match="depth of field"):
        AxialInterpolator(package(**BETWEEN), SHAPE, *CAMERA, depth_of_field_um=0.0)


# -- all of them -----------------------------------------------------------------------------------


def restorers(monkeypatch, shape: tuple[int, int] = SHAPE):
    opened = use(monkeypatch)
    axial = interpolator(shape)
    made = {
        "denoise": Denoiser(package(), shape, *CAMERA),
        "superres": resolver(shape),
        "axial": lambda adu: axial(adu, adu, 1.0),
    }
    return made, [*list(made.values())[:2], axial], opened


@pytest.mark.parametrize("task", ["denoise", "superres", "axial"])
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (np.zeros((24, 36), np.uint16), r"opened for frames of \(24, 37\) px, got \(24, 36\)"),
        (np.zeros((1, 24, 37), np.uint16), "open another"),
        (np.zeros(SHAPE, bool), "got bool"),
        (np.zeros(SHAPE, complex), "got complex128"),
        (np.zeros(SHAPE, object), "got object"),
        (np.full(SHAPE, np.nan, np.float32), "NaN or infinity in 888 pixels"),
        (np.where(np.eye(24, 37) > 0, np.inf, 1.0), "NaN or infinity in 24 pixels"),
    ],
)
def test_what_is_no_frame_is_refused_with_a_reason(monkeypatch, task, bad, why) -> None:
    made, _, _ = restorers(monkeypatch)
    with pytest.raises(FrameRefused, match=rf"denoise-2d@\d: .*{why}"):  # its package's name
        made[task](bad)


@pytest.mark.parametrize("task", ["denoise", "superres", "axial"])
def test_a_package_of_another_task_or_with_other_planes_is_refused(monkeypatch, task) -> None:
    use(monkeypatch)
    open_it = {
        "denoise": lambda p: Denoiser(p, SHAPE, *CAMERA),
        "superres": lambda p: SuperResolver(p, SHAPE, *CAMERA),
        "axial": lambda p: AxialInterpolator(p, SHAPE, *CAMERA, depth_of_field_um=1.0),
    }[task]
    for other in ({"task": "segment", "outputs": 3}, *({"task": "denoise"}, FINE, BETWEEN)):
        if other["task"] != task:
            with pytest.raises(ModelError, match=f"but '{task}' is needed"):
                open_it(package(**other))
    with pytest.raises(ModelError, match=f"is no {task} network"):
        open_it(package(task=task, in_frames=3, upscale=4))


def test_closing_frees_the_engine_and_may_be_said_twice(monkeypatch) -> None:
    _, made, opened = restorers(monkeypatch)
    assert all(one.info().engine == "fake" and "fake-f32" in one.model_id for one in made)
    for one in made:
        one.close()
        one.close()
    assert not any(engine.is_open for engine in opened)


@pytest.mark.parametrize("task", ["denoise", "superres", "axial"])
def test_an_answer_belongs_to_its_maker_and_not_to_the_engine(monkeypatch, task) -> None:
    made, _, opened = restorers(monkeypatch)
    answer = made[task](frame())
    kept = answer.photons.copy(), answer.sd_e.copy()
    for engine in opened:
        engine.out[...] = 99.0
    assert np.array_equal(answer.photons, kept[0])
    assert np.array_equal(answer.sd_e, kept[1])
    assert made[task](frame(50.0)).photons is answer.photons


@pytest.mark.parametrize("task", ["denoise", "superres", "axial"])
def test_no_new_image_array_per_frame(monkeypatch, task) -> None:
    shape = (200, 205)
    made, _, opened = restorers(monkeypatch, shape)
    adu = np.full(shape, 140, np.uint16)
    for engine in opened:
        engine.out[...] = 0.0
        engine.infer = lambda _, engine=engine: engine.out
    made[task](adu)
    tracemalloc.start()
    for _ in range(5):
        made[task](adu)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < shape[0] * shape[1] * 4 // 2  # only numpy's own work buffers


def test_a_network_of_noisy_targets_is_read_out_by_the_unbiased_inverse(monkeypatch) -> None:
    use(monkeypatch, lambda planes: (np.zeros_like(planes[0]), np.zeros_like(planes[0]) + 0.1))
    restore = Denoiser(package(target="noisy", inverse="unbiased"), SHAPE, *CAMERA)
    adu = frame()
    answer = restore(adu)
    wanted = noise.inverse_unbiased(smooth(adu), 1.5)
    np.testing.assert_allclose(answer.photons, np.maximum(wanted, 0), rtol=2e-4, atol=1e-3)
    # What is left of the variance without the target's own noise of 1.
    m, v = smooth(adu), np.exp(0.1) - 1
    np.testing.assert_allclose(answer.sd_e, np.sqrt(v * (2 * m**2 + v) / 8), rtol=1e-3)
