"""The int8 form: as good as the float one where nothing is lost, and its channels made even."""

from __future__ import annotations

import numpy as np
import pytest

from models.package import ONNX, Package, shipped

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from models import equalise, quantise, quantise_package  # noqa: E402
from models.engines.half_onnx import half_onnx  # noqa: E402
from tests.engine_nets import lite_unet, random_package  # noqa: E402


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.load(shipped("denoise-2d"))


@pytest.fixture(scope="module")
def int8(package) -> bytes:
    frames = quantise_package.calibration_frames(package.manifest)
    return quantise.quantise(package.read(ONNX), frames)


def answer(content: bytes, frames: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given = frames.astype(np.float16) if "16" in session.get_inputs()[0].type else frames
    return session.run(None, {"frames": given})[0].astype(np.float32)


def test_equal_channels_change_no_answer() -> None:
    model = lite_unet(channels=2, base=8, upscale=2, outputs=2)
    frames = np.random.default_rng(1).normal(0, 1, (1, 2, 32, 48)).astype(np.float32)
    even = equalise.equalise(model, [frames])
    before = answer(model.SerializeToString(), frames)
    np.testing.assert_allclose(answer(even.SerializeToString(), frames), before, atol=2e-5)


def test_channels_behind_relu_reach_equally_far_after_it() -> None:
    model = lite_unet(channels=1, base=8, upscale=1, outputs=2)
    frames = [np.random.default_rng(1).normal(0, 1, (1, 1, 64, 64)).astype(np.float32)]
    first = next(n.output[0] for n in model.graph.node if n.op_type == "Relu")

    def spread(given) -> float:
        tensor = next(iter(equalise.inside(given, [first], frames)))[first]
        widest = tensor.max(axis=(0, 2, 3))
        return float(widest.max() / max(widest.min(), 1e-9))

    assert spread(equalise.equalise(model, frames)) < spread(model)


def test_int8_costs_less_than_a_twentieth_of_a_decibel_on_average(package, int8) -> None:
    from models.train.noisy import expose, stabilised
    from models.train.scenes import make_scene

    rng = np.random.default_rng(4)
    lost = []
    for peak_e in np.geomspace(2, 150, 8):
        clean = 0.3 + peak_e * np.clip(make_scene(rng, 128), 0, 1)
        noisy, wanted = stabilised(expose(rng, clean, 1.4))
        frames = ((noisy - package.manifest.mu) / package.manifest.sd)[None, None]
        squares = []
        for content in (package.read(ONNX), int8):
            restored = smoothed(noisy) + answer(content, frames.astype(np.float32))[0, 0]
            squares.append(np.mean((restored - wanted) ** 2))
        lost.append(10 * np.log10(squares[1] / squares[0]))
    assert np.mean(lost) <= 0.05


def smoothed(image: np.ndarray) -> np.ndarray:
    from models.denoise import smooth_into

    image = image.astype(np.float32)
    return smooth_into(image, 1.4, out=np.empty_like(image))


def test_the_first_and_last_convolution_stay_in_float(int8) -> None:
    graph = onnx.load_from_string(int8).graph
    layers = [node for node in graph.node if node.op_type in equalise.CONVOLUTIONS]
    rounded = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    is_rounded = [layer.input[1] in rounded for layer in layers]
    assert not is_rounded[0]
    assert not is_rounded[-1]
    assert all(is_rounded[1:-1])


def test_the_int8_form_takes_any_size(int8) -> None:
    for size in ((16, 40), (64, 64)):
        assert answer(int8, np.zeros((1, 1, *size), np.float32)).shape == (1, 2, *size)


def test_no_frame_to_learn_from_is_refused(package) -> None:
    with pytest.raises(ValueError, match="give about 20"):
        quantise.quantise(package.read(ONNX), [])


@pytest.mark.parametrize("net", [{"channels": 5, "base": 8}, {"upscale": 2, "base": 8}])
def test_half_precision_answers_as_single_does(tmp_path, net) -> None:
    package = random_package(tmp_path / "net", **net)
    frames, wanted = package.test_vector()
    half = answer(half_onnx(package.read(ONNX)), frames)
    assert half.shape == wanted.shape
    assert np.sqrt(np.mean((half - wanted) ** 2)) < 5e-3 * wanted.std()
