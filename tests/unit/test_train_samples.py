"""What networks for finer pixels and for skipped planes learn from; and how a batch is put up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.package import Package, shipped
from models.train import noisy, stacks, volumes
from models.train.batch import MU, SD, Sample, collate
from models.train.binned import binned, binned_sample, enlarged
from models.train.scenes import make_scene, oriented_crop


def test_a_binning_camera_loses_no_light() -> None:
    fine = np.random.default_rng(0).random((6, 8))
    coarse = binned(fine)
    assert coarse.shape == (3, 4)
    assert coarse.sum() == pytest.approx(fine.sum())
    assert coarse[1, 2] == pytest.approx(fine[2:4, 4:6].sum())


def test_enlarging_keeps_the_centre_where_it_is() -> None:
    y, x = np.mgrid[:16, :16].astype(np.float32)
    fine_y, fine_x = np.mgrid[:32, :32].astype(np.float32)
    for coarse, fine in ((y, fine_y), (x, fine_x)):
        inner = np.s_[4:-4, 4:-4]
        assert np.allclose(enlarged(coarse)[inner], (fine[inner] + 0.5) / 2 - 0.5, atol=1e-3)


def test_a_fine_sample_is_in_units_of_coarse_pixels() -> None:
    """So a flat field is the same value in both."""
    rng = np.random.default_rng(1)
    scenes = [make_scene(rng, 96, "clouds")]
    off = []
    for _ in range(30):
        sample = binned_sample(rng, scenes, 32)
        assert sample.images.shape == (1, 32, 32)
        assert sample.base.shape == sample.clean.shape == (64, 64)
        if float(sample.clean.mean()) > 5:  # where stabilised noise has no bias to speak of
            off.append(float(sample.base.mean() - sample.clean.mean()))
    assert len(off) > 5
    assert abs(np.median(off)) < 0.1


def test_crops_are_turned_and_mirrored() -> None:
    rng = np.random.default_rng(2)
    scene = np.arange(16, dtype=np.float32).reshape(4, 4)
    corners = {float(oriented_crop(rng, [scene], 4)[0, 0]) for _ in range(60)}
    assert corners == {0.0, 3.0, 12.0, 15.0}


def test_a_layer_in_focus_is_sharp_and_keeps_its_light_out_of_focus() -> None:
    volume = np.zeros((9, 96, 96), np.float32)
    volume[4, 48, 48] = 1.0
    seen = volumes.through_focus(volume, 1.6, None)
    assert seen.sum(axis=(1, 2)) == pytest.approx(np.ones(9), abs=0.01)
    peaks = seen.max(axis=(1, 2))
    assert peaks.argmax() == 4
    assert np.allclose(peaks[:4], peaks[:4:-1], rtol=1e-4)
    y, x = np.mgrid[-48:48, -48:48]
    for layer, u in ((4, 0.0), (8, 1.0)):
        variance = float((seen[layer] * (y**2 + x**2)).sum() / 2)
        assert variance == pytest.approx(1.6**2 * (1 + (1.8 * u) ** 2), rel=0.05)


def test_a_section_dims_what_lies_outside_it() -> None:
    volume = np.zeros((9, 48, 48), np.float32)
    volume[4, 24, 24] = 1.0
    light = volumes.through_focus(volume, 1.0, 0.5).sum(axis=(1, 2))
    assert light[8] == pytest.approx(np.exp(-2.0), rel=1e-3)  # one depth of field = 2 sigma


def test_a_stack_is_the_same_for_one_seed_and_neighbours_are_alike() -> None:
    rng = np.random.default_rng
    stack, again = (volumes.make_stack(rng(5), 48, 16) for _ in range(2))
    assert np.array_equal(stack, again)
    assert stack.shape == (16, 48, 48)
    assert stack.dtype == np.float32
    assert stack.min() >= 0
    near = ((stack[1:] - stack[:-1]) ** 2).mean()
    far = ((stack[8:] - stack[:-8]) ** 2).mean()
    assert near < far


def test_wanted_planes_lie_between_measured_ones_mostly_halfway_or_at_thirds() -> None:
    rng = np.random.default_rng(6)
    drawn = [stacks.gap(rng, 17) for _ in range(600)]
    assert all(0 < wanted < steps <= 16 for steps, wanted in drawn)
    fractions = np.array([wanted / steps for steps, wanted in drawn])
    assert np.mean(fractions == 0.5) > 0.4
    assert np.mean(np.isin(np.round(fractions * 3, 6), (1, 2))) > 0.2


@pytest.mark.parametrize("planes", [3, 4, 24])
def test_an_axial_sample_says_how_far_and_where(planes) -> None:
    rng = np.random.default_rng(7)
    ramp = np.linspace(0.0, 1.0, planes, dtype=np.float32)[:, None, None]
    flat = stacks.Stack(np.broadcast_to(ramp, (planes, 40, 40)).copy(), 0.25)
    for _ in range(30):
        sample = stacks.axial_sample(rng, [flat], 32)
        assert sample.images.shape == (2, 32, 32)
        distance, fraction = sample.extra
        assert 0.5 <= distance <= stacks.MAX_DEPTHS_OF_FIELD
        assert 0 < fraction < 1
        blend = stacks.between(sample.images, fraction)
        assert np.array_equal(blend, sample.base)


def test_the_blend_leans_to_the_nearer_plane() -> None:
    images = np.stack([np.zeros((16, 16), np.float32), np.ones((16, 16), np.float32)])
    assert stacks.between(images, 0.25) == pytest.approx(0.25)


def test_a_batch_normalises_images_and_leaves_constant_planes() -> None:
    image = np.full((2, 8, 8), MU + SD, np.float32)
    batch = collate([Sample(image, image[0], image[0], (2.5, 0.5))] * 3)
    assert batch.planes.shape == (3, 4, 8, 8)
    assert batch.base.shape == batch.target.shape == (3, 1, 8, 8)
    assert batch.planes[0, :, 0, 0] == pytest.approx([1.0, 1.0, 2.5, 0.5])
    assert batch.target_variance == 0
    assert batch.weight is None


def test_the_constants_of_training_are_those_of_the_shipped_package() -> None:
    manifest = Package.load(shipped("denoise-2d")).manifest
    assert (manifest.mu, manifest.sd, manifest.smooth_px) == (MU, SD, noisy.SMOOTH_PX)


def test_drawing_leaves_opencv_one_way_of_rounding() -> None:
    """Half-pixel centres: what training and read-out enlarge must be the same image."""
    row = np.array([[0.0, 4.0]], np.float32)
    assert enlarged(row)[0] == pytest.approx([0.0, 1.0, 3.0, 4.0])
    assert cv2.resize(row, (4, 2), interpolation=cv2.INTER_LINEAR)[0, 1] == pytest.approx(1.0)
