"""The shipped denoiser does what a live microscope needs: right photons, no inventions."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from scipy import ndimage

from models import noise
from models.denoise import Denoiser, Passthrough
from models.errors import ModelError
from models.package import Package, shipped
from models.residuals import judge, verdict

GAIN, OFFSET, READ_E = 2.2, 100.0, 1.4
CAMERA = (GAIN, OFFSET, READ_E)
SIZE = 256


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped("denoise-2d"))


@pytest.fixture(scope="module")
def denoiser(package: Package) -> Iterator[Denoiser]:
    opened = Denoiser(package, (SIZE, SIZE), *CAMERA, engine="openvino", precision="f32")
    yield opened
    opened.close()


def nuclei(peak_e: float, size: int = SIZE) -> np.ndarray:
    """Textured round nuclei, none of them drawn by the training's own generator."""
    rng = np.random.default_rng(21)
    y, x = np.mgrid[:size, :size]
    image = np.zeros((size, size))
    for cy, cx in rng.uniform(15, size - 15, (14, 2)):
        radius = np.hypot((y - cy) / 1.0, (x - cx) / 0.8)
        image = np.maximum(image, rng.uniform(0.5, 1.0) / (1 + np.exp((radius - 12) / 0.8)))
    texture = ndimage.gaussian_filter(rng.standard_normal((size, size)), 2.5)
    return 0.5 + peak_e * image * (1 + 0.15 * texture / texture.std())


def shot(photons: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(photons) + READ_E * rng.standard_normal(photons.shape)
    return np.clip(np.round(OFFSET + GAIN * electrons), 0, 65535).astype(np.uint16)


def mse(estimate: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((estimate - truth) ** 2))


@pytest.mark.parametrize("peak_e", [2.0, 5.0, 10.0, 20.0, 100.0])
def test_nuclei_come_out_better_than_from_any_gaussian_filter(denoiser, peak_e) -> None:
    truth = nuclei(peak_e)
    adu = shot(truth)
    plain = (adu - OFFSET) / GAIN
    filtered = min(mse(cv2.GaussianBlur(plain, (0, 0), s), truth) for s in (1, 1.5, 2, 3, 4))
    assert mse(denoiser(adu).photons, truth) < filtered


@pytest.mark.parametrize("peak_e", [2.0, 5.0, 10.0, 20.0, 100.0])
def test_the_brightness_of_nuclei_is_right_within_five_per_cent(denoiser, peak_e) -> None:
    truth = nuclei(peak_e)
    inside = truth > 0.5 * truth.max()
    means = [denoiser(shot(truth, seed)).photons[inside].mean() for seed in range(4)]
    assert np.mean(means) == pytest.approx(truth[inside].mean(), rel=0.05)


@pytest.mark.parametrize("peak_e", [2.0, 5.0, 10.0, 20.0, 100.0])
def test_its_residuals_are_trusted(denoiser, package, peak_e) -> None:
    adu = shot(nuclei(peak_e))
    left = judge(adu, denoiser(adu).photons, *CAMERA)
    assert verdict(left, package.manifest.limits) == (True, "residuals look like camera noise")


@pytest.mark.parametrize("photons", [0.0, 0.2, 5.0])
def test_an_empty_frame_shows_no_structure(denoiser, photons) -> None:
    adu = shot(np.full((SIZE, SIZE), photons), 3)
    restored = denoiser(adu).photons
    assert judge(adu, restored, *CAMERA).invented < 5.5
    assert restored.mean() == pytest.approx(photons, abs=0.1)
    assert restored.std() < 0.15 * np.sqrt(photons + READ_E**2)


def test_four_times_the_light_gives_four_times_the_photons(denoiser) -> None:
    truth = nuclei(10.0)
    dim, bright = (denoiser(shot(k * truth, k)).photons.copy() for k in (1, 4))
    inside = truth > 0.5 * truth.max()
    assert bright[inside].mean() / dim[inside].mean() == pytest.approx(4.0, rel=0.05)


def test_another_gain_and_offset_change_nothing(package, denoiser) -> None:
    truth = nuclei(10.0)
    rng = np.random.default_rng(1)
    electrons = rng.poisson(truth) + READ_E * rng.standard_normal(truth.shape)
    other = Denoiser(package, (SIZE, SIZE), 10.0, 500.0, READ_E, "openvino", "f32")
    photons = other(np.round(500.0 + 10.0 * electrons).astype(np.uint16)).photons
    same = denoiser(np.round(OFFSET + GAIN * electrons).astype(np.uint16)).photons
    assert np.sqrt(mse(photons, same)) < 0.05 * truth.std()
    other.close()


def test_the_wrong_inverse_fails_the_residual_test(denoiser) -> None:
    truth = nuclei(3.0)
    adu = shot(truth)
    photons = denoiser(adu).photons
    stabilised = 2 * np.sqrt(photons + 0.375 + READ_E**2)
    wrong = noise.inverse_unbiased(stabilised, READ_E).astype(np.float32)
    assert verdict(judge(adu, photons, *CAMERA))[0]
    assert not verdict(judge(adu, wrong, *CAMERA))[0]


@pytest.mark.parametrize("peak_e", [5.0, 50.0])
def test_the_standard_error_covers_the_error(denoiser, peak_e) -> None:
    truth = nuclei(peak_e)
    answer = denoiser(shot(truth))
    within_2sd = np.mean(np.abs(answer.photons - truth) < 2 * answer.sd_e)
    assert 0.88 < within_2sd <= 1.0


@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (63, 130)])
def test_any_size_comes_back_in_that_size(package, shape) -> None:
    small = Denoiser(package, shape, *CAMERA, engine="openvino", precision="f32")
    answer = small(shot(np.full(shape, 5.0)))
    assert answer.photons.shape == answer.sd_e.shape == shape
    assert np.isfinite(answer.photons).all()
    small.close()


def test_padding_changes_the_image_only_near_the_padded_edge(package, denoiser) -> None:
    adu = shot(nuclei(20.0))
    cut = Denoiser(package, (SIZE - 5, SIZE - 3), *CAMERA, engine="openvino", precision="f32")
    inner = (slice(0, 150), slice(0, 150))  # beyond the reach of the network
    np.testing.assert_allclose(
        cut(adu[:-5, :-3]).photons[inner], denoiser(adu).photons[inner], atol=1e-3
    )
    cut.close()


def test_a_whole_frame_and_its_crop_agree_at_the_rim(package, denoiser) -> None:
    truth = nuclei(20.0)
    adu = shot(truth)
    rim = np.ones(truth.shape, bool)
    rim[8:-8, 8:-8] = False
    error = denoiser(adu).photons - truth
    assert np.abs(error[rim].mean()) < 0.05 * truth[rim].mean() + 0.1


def test_the_answer_is_its_own_buffer_and_not_the_engine_s(denoiser) -> None:
    first = denoiser(shot(nuclei(5.0)))
    kept = first.photons.copy()
    denoiser._network.planes[...] = 0.0
    denoiser._network.infer()
    assert np.array_equal(first.photons, kept)
    assert denoiser(shot(nuclei(9.0))).photons is first.photons


def test_a_frame_costs_no_new_image_array(denoiser) -> None:
    adu = shot(nuclei(5.0))
    denoiser(adu)
    tracemalloc.start()
    denoiser(adu)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < SIZE * SIZE * 4 // 2  # half of one float32 image: only small work buffers


def test_saturated_and_zero_counts_give_finite_photons(denoiser) -> None:
    adu = np.zeros((SIZE, SIZE), np.uint16)
    adu[::2] = 65535
    answer = denoiser(adu)
    assert np.isfinite(answer.photons).all()
    assert np.isfinite(answer.sd_e).all()
    assert (answer.photons >= 0).all()


def test_the_model_is_named_with_its_engine(denoiser) -> None:
    assert denoiser.model_id == "denoise-2d@2 openvino-f32"


def test_a_frame_of_another_size_is_refused(denoiser) -> None:
    with pytest.raises(ValueError, match=r"opened for frames of \(256, 256\)"):
        denoiser(np.zeros((256, 255), np.uint16))


@pytest.mark.parametrize(
    ("camera", "what"),
    [
        ((0.0, 100.0, 1.0), "gain"),
        ((float("nan"), 100.0, 1.0), "gain"),
        ((2.0, float("inf"), 1.0), "offset"),
        ((2.0, 100.0, -1.0), "read noise"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(package, camera, what) -> None:
    with pytest.raises(ValueError, match=what):
        Denoiser(package, (64, 64), *camera)


def test_a_package_for_something_else_is_refused(package) -> None:
    import msgspec

    other = Package(package.folder, msgspec.structs.replace(package.manifest, inverse="unbiased"))
    with pytest.raises(ModelError, match="cannot be read out: it wants the inverse 'unbiased'"):
        Denoiser(other, (64, 64), *CAMERA)
    stain = Package(package.folder, msgspec.structs.replace(package.manifest, task="superres"))
    with pytest.raises(ModelError, match="made for 'superres', but 'denoise' is needed"):
        Denoiser(stain, (64, 64), *CAMERA)


def test_frames_too_small_for_the_network_are_refused(package) -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Denoiser(package, (8, 64), *CAMERA)


def test_passthrough_is_the_camera_equation_and_nothing_else() -> None:
    adu = shot(nuclei(5.0))
    answer = Passthrough(adu.shape, GAIN, OFFSET)(adu)
    np.testing.assert_allclose(answer.photons, (adu.astype(float) - OFFSET) / GAIN, atol=1e-3)
    assert answer.sd_e is None
