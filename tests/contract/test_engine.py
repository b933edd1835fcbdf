"""What every engine must do. A new engine adds one line to ENGINES and nothing else."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models import plan_cache, quantise_package
from models.engines import Engine, gate, open_engine, table
from models.engines.eight_bits import make_int8
from models.errors import EngineUnavailable, ModelError, ParityError
from models.package import MANIFEST, Package, shipped
from models.train.seal import seal
from tests.engine_nets import random_package

ENGINES = [
    pytest.param(("openvino", "bf16"), id="openvino-bf16"),
    pytest.param(("openvino", "int8"), id="openvino-int8"),
    pytest.param(("openvino", "f32"), id="openvino-f32"),
    pytest.param(("onnxruntime", "int8"), id="onnxruntime-int8"),
    pytest.param(("onnxruntime", "f32"), id="onnxruntime-f32"),
    pytest.param(("torch", "f32"), id="torch-f32", marks=pytest.mark.train),
    pytest.param(("torch-cuda", "fp16"), id="torch-cuda-fp16", marks=pytest.mark.gpu),
    pytest.param(("tensorrt", "fp16"), id="tensorrt-fp16", marks=pytest.mark.gpu),
    pytest.param(("tensorrt-rtx", "fp16"), id="tensorrt-rtx-fp16", marks=pytest.mark.gpu),
]
SHAPE = (64, 96)
NETS = {"five frames": {"channels": 5, "base": 8}, "superres": {"upscale": 2, "base": 8}}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_cache, "user_folder", lambda: folder)
        yield


@pytest.fixture(scope="module")
def package(own_cache: None) -> Package:
    shipped_package = Package.load(shipped("denoise-2d"))
    with contextlib.suppress(EngineUnavailable):  # the int8 tests say why and are skipped
        make_int8(shipped_package)  # where the package brings none
    return shipped_package


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, package: Package) -> Iterator[Engine]:
    name, precision = request.param
    try:
        opened = open_engine(package, SHAPE, name, precision)
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield opened
    opened.close()


def noisy(seed: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (1, 1, *shape)).astype(np.float32)


def test_gives_the_stored_answer_within_the_tolerance_of_its_precision(engine, package) -> None:
    frames, wanted = package.test_vector()
    rms = np.sqrt(np.mean((engine.infer(frames) - wanted) ** 2, axis=(0, 2, 3))).max()
    assert rms <= gate.tolerance_rms(package, engine.precision)
    assert engine.parity_rms == pytest.approx(rms, rel=1e-3, abs=1e-7)


def test_answers_two_float32_images_of_the_same_size(engine) -> None:
    out = engine.infer(noisy(1))
    assert out.shape == (1, 2, *SHAPE)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


def test_the_same_frame_gives_the_same_answer_bit_for_bit(engine) -> None:
    first = engine.infer(noisy(1)).copy()
    engine.infer(noisy(2))
    assert np.array_equal(engine.infer(noisy(1)), first)


def test_frames_written_into_its_own_input_give_the_same_answer(engine) -> None:
    wanted = engine.infer(noisy(3)).copy()
    engine.infer(noisy(4))
    engine.frames[...] = noisy(3)
    assert np.array_equal(engine.infer(engine.frames), wanted)


def test_other_sizes_come_and_go(engine) -> None:
    wanted = engine.infer(noisy(5)).copy()
    assert engine.infer(noisy(6, (16, 40))).shape == (1, 2, 16, 40)
    assert np.array_equal(engine.infer(noisy(5)), wanted)


def test_says_who_computes(engine) -> None:
    info = engine.info()
    assert (info.engine, info.precision, info.threads) == (engine.name, engine.precision, 1)
    assert info.version[0].isdigit()


def test_closes_twice_and_then_refuses_to_work(engine) -> None:
    engine.close()
    engine.close()
    with pytest.raises(EngineUnavailable, match="closed"):
        engine.infer(noisy(1))


# -- the gate ------------------------------------------------------------------------------------


def sealed_copy(package: Package, folder: Path, **changes: np.ndarray) -> Package:
    """Copy a package and exchange arrays of its test vector; the sums are made right again."""
    import hashlib

    shutil.copytree(package.folder, folder)
    path = folder / "test_vector.npz"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    frames, out = package.test_vector()
    np.savez(path, **({"frames": frames, "out": out} | changes))
    manifest = (folder / MANIFEST).read_text("utf-8")
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(manifest.replace(before, after), "utf-8")
    return Package.load(folder)


def test_an_engine_with_another_answer_is_refused(package, tmp_path) -> None:
    out = package.test_vector()[1]
    wrong = sealed_copy(package, tmp_path / "wrong", out=out + np.float32(0.5))
    with pytest.raises(ParityError, match="deviates from the reference"):
        open_engine(wrong, SHAPE)


VECTOR = {"frames": np.zeros((1, 1, 96, 128), np.float32), "out": np.zeros((1, 2, 96, 128), "f4")}


@pytest.mark.parametrize(
    "changes",
    [
        {"frames": np.zeros((1, 3, 96, 128), np.float32)},
        {"frames": VECTOR["frames"][0]},
        {"frames": VECTOR["frames"].astype("U8")},
        {"frames": VECTOR["frames"].astype(np.float64)},
        {"frames": VECTOR["frames"][:, :, :95], "out": VECTOR["out"][:, :, :95]},
        {"out": VECTOR["out"][:, :1]},
        {"out": VECTOR["out"][..., :64]},
    ],
)
@pytest.mark.parametrize("name", ["auto", "openvino", "onnxruntime"])
def test_a_test_vector_of_another_network_is_refused_by_name_and_cure(
    package, tmp_path, name, changes
) -> None:
    other = sealed_copy(package, tmp_path / "other", **changes)
    with pytest.raises(ModelError, match=r"denoise-2d@\d: the test vector does not fit .*again"):
        open_engine(other, SHAPE, name)


def test_a_test_vector_that_is_one_array_is_refused_with_its_cure(package, tmp_path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(package.folder, folder)
    with (folder / "test_vector.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    seal(folder, package.manifest)
    with pytest.raises(ModelError, match=r"denoise-2d@\d: the file test_vector.npz .*again"):
        open_engine(Package.load(folder), SHAPE)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "torch"])
@pytest.mark.parametrize("file", ["model.onnx", "int8.onnx", "weights.npz", "test_vector.npz"])
def test_a_file_that_is_sealed_but_no_network_is_a_reason(package, tmp_path, name, file) -> None:
    folder = tmp_path / "other"
    shutil.copytree(package.folder, folder)
    (folder / file).write_bytes(b"no network")
    seal(folder, package.manifest)
    with contextlib.suppress(ModelError):  # the one that does not need this file may run
        open_engine(Package.load(folder), SHAPE, name).close()


def test_auto_takes_the_next_engine_when_the_fastest_is_wrong(package, monkeypatch) -> None:
    real = table.opener("openvino")

    def half_wrong(package, shape, precision, threads):
        engine = real(package, shape, precision, threads)
        if precision != "f32":
            right = engine.infer
            engine.infer = lambda frames: right(frames) * np.float32(1.5)
        return engine

    monkeypatch.setattr(table, "opener", lambda name: half_wrong)
    engine = open_engine(package, SHAPE)
    assert engine.precision == "f32"
    engine.close()


def test_an_engine_that_answers_no_number_is_refused(package, monkeypatch) -> None:
    real = table.opener("openvino")

    def broken(package, shape, precision, threads):
        engine = real(package, shape, precision, threads)
        right = engine.infer
        engine.infer = lambda frames: right(frames) * np.float32("nan")
        return engine

    monkeypatch.setattr(table, "opener", lambda name: broken)
    with pytest.raises(ParityError):
        open_engine(package, SHAPE)


def test_missing_libraries_are_reasons_and_not_tracebacks(package, monkeypatch) -> None:
    for library in ("openvino", "onnxruntime", "torch"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(EngineUnavailable) as refusal:
        open_engine(package, SHAPE)
    assert "OpenVINO cannot be imported" in str(refusal.value)
    assert "ONNX Runtime cannot be imported" in str(refusal.value)
    assert "torch cannot be imported" in str(refusal.value)


@pytest.mark.parametrize("asked", [("cuda", "auto"), ("auto", "int4"), ("torch", "bf16")])
def test_an_unknown_engine_or_precision_lists_the_known_ones(package, asked) -> None:
    with pytest.raises(EngineUnavailable, match=r"known: .*openvino bf16"):
        open_engine(package, SHAPE, *asked)


@pytest.mark.parametrize("shape", [(63, 64), (64, 4), (0, 64)])
def test_sizes_that_do_not_fit_the_network_are_refused(package, shape) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        open_engine(package, shape, "openvino", "f32")


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_channels_and_answer_are_those_of_the_package(
    tmp_path, monkeypatch, net, name, precision
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(quantise_package, "FRAMES", 2)
    monkeypatch.setattr(quantise_package, "FRAME_PX", 64)
    other = random_package(tmp_path / "net", **NETS[net], tolerances="int8 = 10.0")
    make_int8(other)
    engine = open_engine(other, SHAPE, name, precision)
    channels, scale = other.manifest.in_channels, other.manifest.upscale
    assert engine.frames.shape == (1, channels, *SHAPE)
    answer = engine.infer(engine.frames)
    assert answer.shape == (1, other.manifest.outputs, *(scale * n for n in SHAPE))
    engine.close()


@pytest.mark.parametrize("net", NETS)
def test_the_gate_checks_the_program_of_the_frames_own_size(tmp_path, net) -> None:
    pytest.importorskip("onnxruntime")
    other = random_package(tmp_path / "net", **NETS[net])
    engine = open_engine(other, (256, 320), "openvino", "f32")
    sizes: list[tuple[int, ...]] = []
    right = engine.infer

    def noted(frames: np.ndarray) -> np.ndarray:
        sizes.append(frames.shape[2:])
        return right(frames)

    engine.infer = noted
    assert gate.parity(engine, other) < 1e-5
    assert sizes == [(256, 320)]
    engine.infer = lambda frames: right(frames) + np.float32(0.01) * (np.arange(2)[:, None, None])
    with pytest.raises(ParityError):
        gate.parity(engine, other)
    engine.close()


def test_one_pixel_that_is_wrong_anywhere_in_the_corners_is_seen(package) -> None:
    engine = open_engine(package, (256, 320), "openvino", "f32")
    right = engine.infer
    for y, x in ((0, 0), (0, 319), (255, 0), (255, 319), (47, 63)):

        def spotted(frames: np.ndarray, y: int = y, x: int = x) -> np.ndarray:
            answer = right(frames).copy()
            answer[:, :, y, x] += 1.0
            return answer

        engine.infer = spotted
        with pytest.raises(ParityError):
            gate.parity(engine, package)
    engine.close()
