"""The network itself, and that training learns. Needs torch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed to train, not to run")
pytestmark = pytest.mark.train

PLAIN_OPERATIONS = {"Conv", "ConvTranspose", "MaxPool", "Relu", "Concat", "DepthToSpace"}
# From PixelUnshuffle at any size: a reshape whose sizes are computed from the input's.
PLAIN_OPERATIONS |= {"Reshape", "Transpose", "Shape", "Gather", "Div", "Mul", "Add", "Sub"}
PLAIN_OPERATIONS |= {"Slice", "Squeeze", "Unsqueeze", "Cast", "Floor", "Constant"}


def test_it_has_the_stated_number_of_parameters() -> None:
    from models.unet import LiteUNet, count_parameters

    assert count_parameters(LiteUNet()) == 117_304


@pytest.mark.parametrize(
    ("planes", "upscale", "outputs"), [(1, 1, 2), (5, 1, 2), (4, 1, 2), (1, 2, 2), (1, 1, 3)]
)
def test_one_family_serves_every_task(planes, upscale, outputs) -> None:
    from models.unet import LiteUNet

    out = LiteUNet(planes, 16, upscale, outputs)(torch.zeros(2, planes, 24, 40))
    assert out.shape == (2, outputs, 24 * upscale, 40 * upscale)


def test_an_upscale_that_the_family_lacks_is_refused() -> None:
    from models.unet import LiteUNet

    with pytest.raises(ValueError, match="upscale must be 1 or 2, got 3"):
        LiteUNet(upscale=3)


def test_untrained_it_changes_next_to_nothing() -> None:
    from models.unet import LiteUNet

    assert LiteUNet()(torch.randn(1, 1, 64, 64)).abs().mean() < 0.1


def test_what_a_pixel_shows_reaches_only_its_surroundings() -> None:
    """So an image may be computed in tiles that overlap by this much."""
    from models.unet import LiteUNet

    torch.manual_seed(0)
    net, frames = LiteUNet(base=8).eval(), torch.randn(1, 1, 192, 192)
    touched = frames.clone()
    touched[..., 96, 96] += 100.0
    with torch.inference_mode():
        changed = (net(touched) != net(frames)).any(dim=1)[0].nonzero()
    reach = int((changed - 96).abs().max())
    assert 16 <= reach <= LiteUNet.reach_px


@pytest.mark.parametrize(
    ("planes", "upscale", "outputs"), [(5, 1, 2), (4, 1, 2), (1, 2, 2), (1, 1, 3)]
)
def test_every_task_is_exported_to_plain_operations(tmp_path, planes, upscale, outputs) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript", reason="onnxscript is needed to export")
    runtime = pytest.importorskip("onnxruntime")
    from models.unet import LiteUNet, export_onnx

    net = LiteUNet(planes, 8, upscale, outputs).eval()
    torch.nn.init.normal_(net.head.weight, 0, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        export_onnx(net, tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    assert {node.op_type for node in model.graph.node} <= PLAIN_OPERATIONS
    session = runtime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    frames = torch.randn(1, planes, 40, 24)
    (out,) = session.run(None, {"frames": frames.numpy()})
    with torch.inference_mode():
        assert np.allclose(out, net(frames).numpy(), atol=1e-4)
