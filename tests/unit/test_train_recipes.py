"""Recipes: each task has one, a step is the same for one seed, a trained package opens."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed to train, not to run")
pytestmark = pytest.mark.train

from models.axial_base import LEAST, cubic_weights  # noqa: E402
from models.errors import ModelError  # noqa: E402  # after the check for torch
from models.package import Package, shipped  # noqa: E402  # after the check for torch
from models.train import pack  # noqa: E402
from models.train.batch import MU, SD  # noqa: E402
from models.train.recipes import recipe  # noqa: E402
from models.train.scenes import make_scene  # noqa: E402
from models.train.stacks import Stack  # noqa: E402
from models.train.start import shares_of, transplant  # noqa: E402
from models.train.volumes import make_stack  # noqa: E402
from models.unet import LiteUNet  # noqa: E402

TASKS = ["denoise", "superres", "axial"]


def material(task: str) -> list:
    rng = np.random.default_rng(0)
    if task == "axial":
        return [Stack(make_stack(rng, 112, 8), 0.25)]
    return [make_scene(rng, 192, "spots")]


@pytest.mark.parametrize("task", TASKS)
def test_a_step_is_the_same_for_one_seed_and_differs_from_the_next(task) -> None:
    how = recipe(task)
    batch_at = how.batch_at(material(task), seed=3)
    first, again, other = batch_at(1), batch_at(1), batch_at(2)
    assert np.array_equal(first.planes, again.planes)
    assert not np.array_equal(first.planes, other.planes)


@pytest.mark.parametrize("task", TASKS)
def test_a_batch_fits_the_network_of_its_recipe(task) -> None:
    how = recipe(task)
    batch = how.batch(np.random.default_rng(1), material(task), 1)
    out = how.network(8, 1)(torch.from_numpy(batch.planes))
    assert out.shape[0] == batch.target.shape[0]
    assert out.shape[2:] == batch.target.shape[2:]


def test_restored_planes_begin_where_a_denoiser_and_a_cubic_end() -> None:
    """An untrained network that corrects them is no worse than doing without it."""
    how = recipe("axial", 6)
    plain = replace(how, finish=None)
    rng = np.random.default_rng
    first = plain.batch(rng(5), material("axial"), 2)
    second = how.batch(rng(5), material("axial"), 2)
    assert first.planes.shape[1] == 6  # four raw planes and two constant ones
    assert second.planes.shape[1] == how.network(8, 1).in_channels == 8
    assert np.array_equal(second.planes[:, :2], first.planes[:, :2])
    assert np.array_equal(second.planes[:, 6:], first.planes[:, 4:])
    assert np.array_equal(second.target, first.target)
    lower, upper, below, above = (second.planes[:, k] * SD + MU for k in (2, 3, 4, 5))
    for one, f in enumerate(second.planes[:, 7, 0, 0]):
        weights = cubic_weights(float(f))
        squares = [(p[one] ** 2) for p in (lower, upper, below, above)]
        light = sum(w * square for w, square in zip(weights, squares, strict=True))
        wanted = np.sqrt(np.maximum(light, LEAST**2))
        np.testing.assert_allclose(second.base[one, 0], wanted, rtol=1e-3, atol=1e-3)
    errors = [float(((b.base - b.target) ** 2).mean()) for b in (first, second)]
    assert errors[1] < errors[0]


def test_a_task_without_a_recipe_is_refused() -> None:
    with pytest.raises(ValueError, match="no recipe for the task 'stain'"):
        recipe("stain")


@pytest.mark.parametrize("task", TASKS)
def test_a_new_package_is_whole_and_every_engine_gives_its_answer(task, tmp_path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is needed to export")
    from models.engines import open_engine

    how = recipe(task)
    net = how.network(8, 1)
    torch.nn.init.normal_(net.head.weight, 0, 0.1)
    manifest = pack.restoring_manifest(
        "new", task, "1", net, how.extra_channels, "a test", ["somewhere"]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        pack.pack(tmp_path / "new", net, [], manifest)
    package = Package.load(tmp_path / "new", task=task)
    assert package.manifest.in_channels == net.in_channels
    assert package.manifest.sources == ("somewhere",)
    for name in ("openvino", "torch"):
        engine = open_engine(package, (64, 64), name, "f32")
        assert engine.parity_rms < 1e-4
        engine.close()


def test_a_network_that_starts_from_another_sees_the_mean_of_its_images() -> None:
    package = Package.load(shipped("denoise-2d"))
    single, double = LiteUNet(1), LiteUNet(4)
    assert transplant(single, package, ((1.0,),), 1) == []
    assert transplant(double, package, shares_of("axial", 4), 1) == []
    frames = torch.randn(1, 2, 32, 32)
    constant = torch.ones(1, 2, 32, 32)
    with torch.inference_mode():
        wanted = single(frames.mean(dim=1, keepdim=True))
        assert torch.allclose(double(torch.cat([frames, constant], 1)), wanted, atol=1e-4)


@pytest.mark.parametrize("base", [16, 20, 24, 32])
def test_a_wider_network_with_memory_begins_as_the_one_that_it_starts_from(base) -> None:
    package = Package.load(shipped("denoise-2d"))
    single, wide = LiteUNet(1), LiteUNet(5, base)
    transplant(single, package, ((1.0,),), 1)
    assert transplant(wide, package, shares_of("denoise", 5), 1) == []
    frames = torch.randn(1, 5, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(wide(frames), single(frames[:, -1:]), atol=1e-4)
    twins = wide.state_dict()["enc2.0.weight"]
    assert base == 16 or not torch.allclose(twins[:, : base - 16], twins[:, 16:])


@pytest.mark.parametrize("base", [8, 40, 64])
def test_a_start_from_a_width_that_does_not_fit_is_refused(base) -> None:
    with pytest.raises(ModelError, match=f"has base 16 .*, the new network base {base}"):
        transplant(LiteUNet(base=base), Package.load(shipped("denoise-2d")), ((1.0,),), 1)


def test_a_network_with_restored_planes_keeps_what_it_knew_of_the_raw_ones() -> None:
    assert shares_of("axial", 6, 4) == (
        (1.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 1.0, 0.0),
        (0.0, 0.0, 0.0, 1.0),
    )


def test_a_network_that_sees_more_planes_keeps_what_it_knew_of_the_others() -> None:
    rows = np.array(shares_of("axial", 8, 6))
    assert rows.shape == (8, 6)
    assert [int(row.argmax()) if row.any() else None for row in rows] == [
        0, 1, 2, 3, None, None, 4, 5,
    ]  # fmt: skip
    assert shares_of("axial", 6, 6) == tuple(tuple(row) for row in np.eye(6).tolist())


def test_what_is_added_to_another_base_image_is_learnt_anew() -> None:
    package = Package.load(shipped("denoise-2d"))
    net = LiteUNet(8)
    new = transplant(net, package, shares_of("axial", 8), 1)
    assert new == ["head.weight", "head.bias"]
    assert float(net.head.weight.detach().abs().mean()) < 0.05
