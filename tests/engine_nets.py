"""Random networks of the shipped family, as packages: written with `onnx` alone, without torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from models.package import MANIFEST, ONNX, VECTOR, Package

PACKAGE_TEXT = """name = "{name}"
task = "denoise"
version = "0"
in_frames = {channels}
base = {base}
mu = 8.0
sd = 6.0
smooth_px = 1.4
inverse = "posterior-mean"
log_variance_min = -7.0
log_variance_max = 3.0
photons_min_e = 0.0
photons_max_e = 600.0
command = "random"
sources = []
upscale = {upscale}
outputs = {outputs}

[limits]

[tolerance_rms]
{tolerances}
[sha256]
{sums}
"""
VECTOR_PX = (96, 128)


def random_package(
    folder: Path,
    channels: int = 1,
    base: int = 16,
    upscale: int = 1,
    outputs: int = 2,
    tolerances: str = "",
) -> Package:
    """Write a package with random weights, whose test vector ONNX Runtime answered."""
    import onnxruntime as ort

    folder.mkdir()
    content = lite_unet(channels, base, upscale, outputs).SerializeToString()
    frames = np.random.default_rng(3).normal(0, 1, (1, channels, *VECTOR_PX)).astype(np.float32)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    (folder / ONNX).write_bytes(content)
    np.savez(folder / VECTOR, frames=frames, out=session.run(None, {"frames": frames})[0])
    sums = "\n".join(
        f'"{name}" = "{hashlib.sha256((folder / name).read_bytes()).hexdigest()}"'
        for name in (ONNX, VECTOR)
    )
    text = PACKAGE_TEXT.format(
        name=folder.name, channels=channels, base=base, upscale=upscale, outputs=outputs,
        tolerances=tolerances, sums=sums,
    )  # fmt: skip
    (folder / MANIFEST).write_text(text, "utf-8")
    return Package.load(folder)


def lite_unet(channels: int, base: int, upscale: int, outputs: int) -> Any:
    """Return an ONNX model of the layers of `models.unet.LiteUNet`, He-initialised."""
    from onnx import TensorProto, checker, helper

    net = _Net()
    fine = net.twice(net.node("SpaceToDepth", ["frames"], blocksize=2), 4 * channels, base)
    middle = net.twice(net.pool(fine), base, 2 * base)
    deep = net.twice(net.pool(middle), 2 * base, 4 * base)
    up = net.conv("ConvTranspose", deep, 4 * base, 2 * base, 2)
    middle = net.twice(net.node("Concat", [up, middle], axis=1), 4 * base, 2 * base)
    up = net.conv("ConvTranspose", middle, 2 * base, base, 2)
    fine = net.twice(net.node("Concat", [up, fine], axis=1), 2 * base, base)
    block = 2 * upscale
    head = net.conv("Conv", fine, base, outputs * block**2, 1)
    net.node("DepthToSpace", [head], "out", blocksize=block, mode="CRD")
    graph = helper.make_graph(
        net.nodes,
        "lite_unet",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, [1, channels, "y", "x"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, outputs, "sy", "sx"])],
        net.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    return model


class _Net:
    """A growing list of layers."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._rng = np.random.default_rng(2)

    def node(self, kind: str, inputs: list[str], out: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind}_{len(self.nodes)}"
        out = out or f"{name}_out"
        self.nodes.append(helper.make_node(kind, inputs, [out], name, **attributes))
        return out

    def conv(self, kind: str, given: str, n_in: int, n_out: int, size: int) -> str:
        from onnx import numpy_helper

        shape = (n_out, n_in) if kind == "Conv" else (n_in, n_out)
        taps = size**2 if kind == "Conv" else 1
        names = []
        for values in (
            self._rng.normal(0, (2 / (n_in * taps)) ** 0.5, (*shape, size, size)),
            self._rng.normal(0, 0.1, n_out),
        ):
            names.append(f"w{len(self.weights)}")
            self.weights.append(numpy_helper.from_array(values.astype(np.float32), names[-1]))
        edge = [size // 2] * 4 if kind == "Conv" else [0] * 4
        strides = [1, 1] if kind == "Conv" else [2, 2]
        return self.node(
            kind, [given, *names], kernel_shape=[size, size], pads=edge, strides=strides
        )

    def twice(self, given: str, n_in: int, n_out: int) -> str:
        for channels in (n_in, n_out):
            given = self.node("Relu", [self.conv("Conv", given, channels, n_out, 3)])
        return given

    def pool(self, given: str) -> str:
        return self.node("MaxPool", [given], kernel_shape=[2, 2], strides=[2, 2])
