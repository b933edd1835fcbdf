"""A model package proves that it is whole, and says in one sentence what is wrong with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.package import MANIFEST, ONNX, VECTOR, WEIGHTS, Package, list_shipped, shipped


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped("denoise-2d"), tmp_path / "copy"))


@pytest.mark.parametrize("name", list_shipped())
def test_every_shipped_package_is_whole(name) -> None:
    package = Package.load(shipped(name))
    assert package.manifest.name == name
    on_disk = {path.name for path in package.folder.iterdir()} - {MANIFEST}
    assert set(package.manifest.sha256) == on_disk
    assert {ONNX, WEIGHTS, VECTOR, "card.md"} <= on_disk


def test_the_denoiser_is_shipped() -> None:
    assert Package.load(shipped("denoise-2d"), task="denoise").model_id == "denoise-2d@2"


@pytest.mark.parametrize("name", list_shipped())
def test_shipped_weights_name_their_training_and_sources(name) -> None:
    package = Package.load(shipped(name))
    manifest = package.manifest
    assert manifest.command.startswith(f"python -m models.train {manifest.task} --out ")
    assert name in manifest.command
    card = package.read("card.md").decode()
    assert all(source in card for source in manifest.sources)


@pytest.mark.parametrize("name", list_shipped())
def test_a_shipped_package_is_small(name) -> None:
    assert sum(path.stat().st_size for path in shipped(name).iterdir()) <= 8e6


@pytest.mark.parametrize("name", list_shipped())
def test_the_test_vector_spans_dark_to_bright(name) -> None:
    package = Package.load(shipped(name))
    manifest = package.manifest
    frames, out = package.test_vector()
    stabilised = frames[:, : manifest.in_frames] * manifest.sd + manifest.mu
    assert frames.dtype == out.dtype == np.float32
    height, width = (n * manifest.upscale for n in frames.shape[2:])
    assert frames.shape[1] == manifest.in_channels
    assert out.shape == (1, manifest.outputs, height, width)
    assert stabilised.min() < 2 < 20 < stabilised.max()


def test_a_package_older_than_a_field_takes_its_default(copy) -> None:
    text = (copy / MANIFEST).read_text("utf-8")
    text = re.sub(r"extra_channels = \[\s*\]\n", "", text)
    text = re.sub(r"(?m)^(upscale|outputs|target) = .*\n", "", text)
    assert "upscale" not in text
    (copy / MANIFEST).write_text(text, "utf-8")
    manifest = Package.load(copy).manifest
    assert (manifest.upscale, manifest.outputs, manifest.in_channels) == (1, 2, 1)
    assert manifest.target == "clean"
    assert manifest.extra_channels == ()


@pytest.mark.parametrize("name", [ONNX, WEIGHTS, VECTOR, "card.md"])
def test_a_missing_file_is_named(copy, name) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match=rf"{name} cannot be read .*: get the package again"):
        Package.load(copy)


@pytest.mark.parametrize("name", [ONNX, WEIGHTS, VECTOR])
def test_one_flipped_bit_is_found(copy, name) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} is damaged"):
        Package.load(copy)


def test_a_file_damaged_after_loading_is_found_when_it_is_read(copy) -> None:
    package = Package.load(copy)
    (copy / ONNX).write_bytes(b"")
    with pytest.raises(ModelError, match="damaged"):
        package.read(ONNX)


def test_a_package_of_another_task_is_refused(copy) -> None:
    with pytest.raises(ModelError, match="made for 'denoise', but 'stain' is needed"):
        Package.load(copy, task="stain")


def test_an_empty_folder_is_no_package(tmp_path) -> None:
    with pytest.raises(ModelError, match="no model package here"):
        Package.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mu = ", "mu = = "),
        ("mu = ", "nu = "),
        ("sd = ", 'sd = "six" #'),
        ('"model.onnx"', '"../model.onnx"'),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(copy, old, new) -> None:
    path = copy / MANIFEST
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ModelError, match=MANIFEST):
        Package.load(copy)


def test_a_file_that_the_manifest_does_not_name_is_not_read(copy) -> None:
    (copy / "extra.npz").write_bytes(b"")
    with pytest.raises(ModelError, match="names no file"):
        Package.load(copy).read("extra.npz")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"there are: .*denoise-2d"):
        shipped("no-such-net")


@pytest.mark.parametrize("name", list_shipped())
def test_the_onnx_holds_plain_operations_only(name) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(Package.load(shipped(name)).read(ONNX))
    allowed = {"Conv", "ConvTranspose", "MaxPool", "Relu", "Concat", "DepthToSpace", "Constant"}
    # From PixelUnshuffle at any size: a reshape whose sizes are computed from the input's.
    allowed |= {"Reshape", "Transpose", "Shape", "Gather", "Div", "Mul", "Add", "Sub"}
    allowed |= {"Slice", "Squeeze", "Unsqueeze", "Cast", "Floor"}
    assert {node.op_type for node in model.graph.node} <= allowed
    assert model.opset_import[0].version == 18
    assert not any(t.external_data for t in model.graph.initializer)


def test_importing_models_loads_nothing_heavy() -> None:
    code = (
        "import sys, models; "
        "print([m for m in ('torch', 'openvino', 'onnxruntime', 'onnx', 'h5py') "
        "if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list_shipped())
def test_a_shipped_network_does_not_tell_on_whose_disk_it_was_made(name: str) -> None:
    for path in shipped(name).iterdir():
        held = path.read_bytes()
        assert not any(trace in held for trace in (b'File "', b"site-packages", b"stack_trace")), (
            path
        )
