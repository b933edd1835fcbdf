"""Make the channels inside a network equally wide, without changing what it computes.

Eight bits hold a tensor well only where its channels span similar ranges. Between two convolutions
each channel may be divided by its range and multiplied back by the weights of the next one: ReLU,
max-pool and concatenation let a positive factor pass. Needs `onnx` and `onnxruntime`.

References
----------
Nagel et al., ICCV 2019, "Data-free quantization through weight equalization and bias correction":
the same factors; here they come from measured activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

CONVOLUTIONS = ("Conv", "ConvTranspose")
_PASSING = ("Relu", "MaxPool")  # f(k x) = k f(x) for k > 0, channel by channel
_LEAST_SHARE = 0.3
"""A channel that is nearly always dark counts as this much of its layer's widest one: blown up more
it would be cut off where it speaks."""
_LEAST = 1e-6  # range of a layer that is always 0


def equalise(model: Any, frames: Sequence[NDArray[np.float32]]) -> Any:
    """Return ``model`` (an `onnx.ModelProto`) with channels of equal range over ``frames``.

    Channels that reach the model's output, or an operation that lets no factor pass, stay as they
    are.
    """
    import onnx

    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    stored = {item.name: item for item in graph.initializer}
    weights = {name: onnx.numpy_helper.to_array(item).copy() for name, item in stored.items()}
    layers = [node for node in graph.node if node.op_type in CONVOLUTIONS]
    widths = _channel_counts(graph, weights)
    after_relu = {n.input[0]: n.output[0] for n in graph.node if n.op_type == "Relu"}
    seen = {layer.name: after_relu.get(layer.output[0], layer.output[0]) for layer in layers}
    ranges = _ranges(model, list(seen.values()), frames)
    for layer in layers:
        readers = _readers(graph, layer.output[0], 0, widths)
        if not readers:
            continue
        widest = ranges[seen[layer.name]]
        factor = np.maximum(widest, max(_LEAST_SHARE * float(widest.max()), _LEAST))
        factor /= np.exp(np.log(factor).mean())
        _divide(layer, weights, factor)
        for reader, first in readers:
            _multiply(reader, weights, factor, first)
    for name, item in stored.items():
        dtype = onnx.numpy_helper.to_array(item).dtype
        item.CopyFrom(onnx.numpy_helper.from_array(weights[name].astype(dtype), name))
    return out


def inside(
    model: Any, names: Sequence[str], frames: Sequence[NDArray[np.float32]]
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Yield the tensors ``names`` from inside ``model`` for each of ``frames``, (1, C, Y, X)."""
    import onnx
    import onnxruntime as ort

    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    known = {output.name for output in probed.graph.output}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            kind = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            probed.graph.output.append(kind)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(
        probed.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    entry = session.get_inputs()[0].name
    for frame in frames:
        yield dict(zip(wanted, session.run(wanted, {entry: frame}), strict=True))


def _ranges(
    model: Any, names: list[str], frames: Sequence[NDArray[np.float32]]
) -> dict[str, NDArray[np.float64]]:
    """Return the largest magnitude of each channel of each tensor."""
    ranges: dict[str, NDArray[np.float64]] = {}
    for tensors in inside(model, names, frames):
        for name, tensor in tensors.items():
            largest = np.abs(tensor).max(axis=(0, 2, 3)).astype(np.float64)
            ranges[name] = np.maximum(ranges.get(name, 0.0), largest)
    return ranges


def _channel_counts(graph: Any, weights: dict[str, NDArray[Any]]) -> dict[str, int]:
    """Return how many channels each tensor behind a convolution has; nodes are in order."""
    widths: dict[str, int] = {}
    for node in graph.node:
        if node.op_type in CONVOLUTIONS:
            widths[node.output[0]] = weights[node.input[1]].shape[_out_axis(node)]
        elif node.op_type in _PASSING and node.input[0] in widths:
            widths[node.output[0]] = widths[node.input[0]]
        elif node.op_type == "Concat" and all(name in widths for name in node.input):
            widths[node.output[0]] = sum(widths[name] for name in node.input)
    return widths


def _readers(
    graph: Any, name: str, first: int, widths: dict[str, int]
) -> list[tuple[Any, int]] | None:
    """Return each convolution that reads tensor ``name``, with the channel where it begins.

    None if something else reads it too.
    """
    if any(output.name == name for output in graph.output):
        return None
    found: list[tuple[Any, int]] = []
    for node in graph.node:
        if name not in node.input:
            continue
        if node.op_type in CONVOLUTIONS:
            found.append((node, first))
            continue
        if node.op_type not in (*_PASSING, "Concat"):
            return None
        before = list(node.input)[: list(node.input).index(name)]
        if any(other not in widths for other in before):
            return None
        start = first + sum(widths[other] for other in before)
        behind = _readers(graph, node.output[0], start, widths)
        if behind is None:
            return None
        found += behind
    return found


def _out_axis(layer: Any) -> int:
    """Conv keeps its weights as (out, in, y, x), ConvTranspose as (in, out, y, x)."""
    return 0 if layer.op_type == "Conv" else 1


def _divide(layer: Any, weights: dict[str, NDArray[Any]], factor: NDArray[np.float64]) -> None:
    axes = [1, 1, 1, 1]
    axes[_out_axis(layer)] = factor.size
    weights[layer.input[1]] = weights[layer.input[1]] / factor.reshape(axes)
    if len(layer.input) > 2:  # a bias of zeros may be left out
        weights[layer.input[2]] = weights[layer.input[2]] / factor


def _multiply(
    layer: Any, weights: dict[str, NDArray[Any]], factor: NDArray[np.float64], first: int
) -> None:
    where = np.moveaxis(weights[layer.input[1]], 1 - _out_axis(layer), 0)  # a view, (in, ...)
    where[first : first + factor.size] *= factor[:, None, None, None].astype(where.dtype)
