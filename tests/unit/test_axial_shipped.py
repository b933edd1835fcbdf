"""The shipped network for planes between: whole, and no worse than doing without it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from models.axial import FARTHEST, AxialInterpolator
from models.engines import open_engine
from models.package import Package, list_shipped, shipped
from models.train.noisy import expose
from models.train.score import GAIN, OFFSET, READ_E, psnr_db, to_adu
from models.train.volumes import LAYERS_PER_DEPTH_OF_FIELD, make_stack

NAME = "axial-fast"
pytestmark = pytest.mark.skipif(NAME not in list_shipped(), reason=f"{NAME} is not shipped")
SHAPE = (96, 96)
NOT_WORSE_DB = -0.1
SEED = 31_337


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped(NAME), task="axial")


@pytest.fixture(scope="module")
def net(package):
    made = AxialInterpolator(
        package, SHAPE, GAIN, OFFSET, READ_E, "openvino", "f32", depth_of_field_um=1.0
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def stacks() -> list[np.ndarray]:
    rng = np.random.default_rng(SEED)
    return [np.maximum(make_stack(rng, SHAPE[0]), 0.0) for _ in range(5)]


def test_the_package_is_small_and_says_what_it_starts_from(package) -> None:
    assert sum(path.stat().st_size for path in package.folder.iterdir()) <= 8e6
    assert package.manifest.restored_by in list_shipped()
    assert package.manifest.in_frames == 6
    assert package.manifest.extra_channels == ("dz", "fraction")
    assert package.manifest.sources  # real stacks, each with its licence
    assert all("(" in source for source in package.manifest.sources)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_every_engine_gives_the_answer_that_was_packed(package, name) -> None:
    engine = open_engine(package, SHAPE, name, "f32")
    assert engine.parity_rms < package.manifest.tolerance_rms["f32"]
    engine.close()


@pytest.mark.parametrize("light_e", [10.0, 60.0])
def test_it_is_no_worse_than_a_blend_of_restored_planes(net, stacks, light_e) -> None:
    rng, gains = np.random.default_rng(SEED), []
    for stack in stacks:
        photons = 0.2 + light_e * stack.astype(np.float64)
        middle, step = len(stack) // 2, 2
        below, lower, upper, above = (
            to_adu(expose(rng, photons[middle + away * step], READ_E).electrons)
            for away in (-3, -1, 1, 3)
        )
        dz_um = 2 * step / LAYERS_PER_DEPTH_OF_FIELD
        drawn = net(lower, upper, dz_um, 0.5, below, above).photons
        truth = photons[middle]
        gains.append(psnr_db(drawn, truth) - psnr_db(net.blend(), truth))
    assert np.mean(gains) > 0.0
    assert min(gains) > 3 * NOT_WORSE_DB  # one stack's noise is in it


def test_it_gives_back_a_field_that_is_even(net) -> None:
    rng = np.random.default_rng(SEED)
    for level_e in (1.0, 5.0, 50.0):
        planes = [to_adu(expose(rng, np.full(SHAPE, level_e), READ_E).electrons) for _ in range(4)]
        drawn = net(planes[0], planes[1], 1.0, 0.5, *planes[2:]).photons
        assert drawn.mean() == pytest.approx(level_e, rel=0.04, abs=0.05)


def test_thirds_lie_in_order_between_two_planes_that_differ(net) -> None:
    levels = []
    dark, bright = (np.full(SHAPE, OFFSET + GAIN * e, np.uint16) for e in (10.0, 40.0))
    for fraction in (0.0, 1 / 3, 2 / 3, 1.0):
        levels.append(float(net(dark, bright, 1.0, fraction).photons.mean()))
    assert all(a < b for a, b in pairwise(levels))
    assert 8 < levels[0] < 15
    assert 33 < levels[-1] < 43


def test_it_steps_aside_beyond_its_range_and_says_so(net) -> None:
    plane = np.full(SHAPE, 140, np.uint16)
    net(plane, plane, FARTHEST, 0.5)
    assert net.aside == ""
    assert net(plane, plane, 1.1 * FARTHEST, 0.5).sd_e is None
    assert "has learnt up to 4" in net.aside
