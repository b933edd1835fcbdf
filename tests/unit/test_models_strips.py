"""Strip by strip is the same answer sooner: each is compared with the plain steps over an image."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.evenness import Evener
from models.noise import forward_into
from models.read_out import ReadOut
from models.stabiliser import Stabiliser
from models.strips import STRIP_BYTES, aligned, strips
from models.superres import VIEWS, _turned, _turned_back

SHAPES = [(512, 512), (301, 262), (17, 40_000)]
LOW, HIGH = -8.0, 2.0


def read_out(shape: tuple[int, int], target: str = "clean") -> ReadOut:
    known = SimpleNamespace(target=target, log_variance_min=LOW, log_variance_max=HIGH)
    return ReadOut(known, 2.9, shape)


@pytest.mark.parametrize(("height", "width"), [*SHAPES, (1, 1), (65, 512)])
@pytest.mark.parametrize("multiple", [1, 4])
def test_strips_cover_every_row_once_and_stay_small(height: int, width: int, multiple: int) -> None:
    rows = [row for part in strips(height, width, multiple) for row in range(height)[part]]
    assert rows == list(range(height))
    for part in strips(height, width, multiple):
        few = part.stop - part.start
        assert few <= multiple or 4 * few * width <= STRIP_BYTES
        assert part.start % multiple == 0


@pytest.mark.parametrize("shape", [(512, 512), (3, 5), (1, 2, 24, 40)])
def test_an_aligned_image_begins_with_a_line_of_the_cache(shape: tuple[int, ...]) -> None:
    image = aligned(shape)
    assert image.shape == shape
    assert image.dtype == np.float32
    assert image.ctypes.data % 64 == 0
    assert not image.any()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [np.uint16, np.int64, np.float64])
def test_frames_are_stabilised_as_in_one_piece_to_the_last_bit(shape, kind) -> None:
    adu = np.random.default_rng(1).integers(0, 65_535, shape).astype(kind)
    whole = forward_into(adu, 2.1, 99.5, 1.6, np.empty(shape, np.float32))
    parts = Stabiliser(shape, 2.1, 99.5, 1.6)(adu, np.empty(shape, np.float32))
    assert np.array_equal(whole, parts)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0.5, 9.0])
def test_images_are_read_out_as_in_one_piece_to_the_last_bit(shape, spread) -> None:
    rng = np.random.default_rng(2)
    base = rng.uniform(0.0, 9.0, shape).astype(np.float32)
    change, logs = (rng.normal(0.0, spread, shape).astype(np.float32) for _ in range(2))
    answer = read_out(shape)(base.copy(), change, logs)
    variance = np.exp(np.clip(logs, np.float32(LOW), np.float32(HIGH)))
    square = (base + change) ** 2
    photons = (square + variance) * np.float32(0.25) - np.float32(2.9)
    doubt = (square * np.float32(2) + variance) * variance * np.float32(0.125)
    assert np.array_equal(answer.photons, np.maximum(photons, 0))
    assert np.array_equal(answer.sd_e, np.sqrt(doubt))


@pytest.mark.parametrize("target", ["clean", "noisy"])
def test_several_answers_that_agree_are_read_out_as_one(target: str) -> None:
    rng, shape = np.random.default_rng(3), (150, 262)
    base = rng.uniform(2.0, 9.0, shape).astype(np.float32)
    change, logs = (rng.normal(0.0, 0.3, shape).astype(np.float32) for _ in range(2))
    one = read_out(shape, target)(base, change, logs)
    both = read_out(shape, target).of_several(base, change, change * change + np.exp(logs))
    np.testing.assert_allclose(both.photons, one.photons, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(both.sd_e, one.sd_e, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(24, 40), (32, 32)])
@pytest.mark.parametrize("view", VIEWS)
def test_what_was_turned_is_turned_back(shape, view) -> None:
    image = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    turned = np.ascontiguousarray(_turned(image, *view))
    assert np.array_equal(_turned_back(turned, *view, (aligned(shape), aligned(shape))), image)


@pytest.mark.parametrize("factor", [1, 2])
def test_evening_out_is_that_of_the_plain_formula(factor: int) -> None:
    rng, shape = np.random.default_rng(4), (64, 80)
    light = rng.uniform(4.0, 30.0, shape)
    measured = rng.poisson(light)
    # Half of each pixel's noise is followed, so neighbours' residuals are pulled apart.
    noise = measured - light
    follows = light + 0.4 * (np.roll(noise, 1, 0) + np.roll(noise, -1, 1))
    fine = np.kron(follows / factor**2, np.ones((factor, factor))).astype(np.float32)
    stabilised = (2.0 * np.sqrt(measured + 1.375)).astype(np.float32)
    before, kept = fine.copy(), Evener(shape, 1.375, factor)
    share = kept(stabilised, fine)
    assert share > 0.0
    z = np.clip((measured - follows) / np.sqrt(follows + 1.375), -4, 4)
    around = np.pad(z, 1, mode="reflect")
    around = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
    around *= np.sqrt(follows + 1.375)
    change = 1.0 - share * (around - around.mean()) / np.maximum(follows, 1e-3)
    wanted = before * np.kron(np.clip(change, 0.0, 2.0), np.ones((factor, factor)))
    np.testing.assert_allclose(fine, wanted, rtol=2e-4, atol=2e-4)
