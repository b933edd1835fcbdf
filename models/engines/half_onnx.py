"""Turn a float32 ONNX model into float16: weights, constants, input and answer. Needs `onnx`."""

from __future__ import annotations

from typing import Any

import numpy as np


def half_onnx(content: bytes) -> bytes:
    """Return the model in float16 throughout, for compilers that take types as they stand.

    Integers, such as the sizes of a reshape, stay as they are.
    """
    import onnx

    model = onnx.load_from_string(content)
    single, half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    graph = model.graph
    for item in graph.initializer:
        _narrow(item)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == single:
            value.type.tensor_type.elem_type = half
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _narrow(attribute.t)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == single:
                attribute.i = half
    onnx.checker.check_model(model)
    narrowed: bytes = model.SerializeToString()
    return narrowed


def _narrow(tensor: Any) -> None:
    import onnx

    if tensor.data_type == onnx.TensorProto.FLOAT:
        values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
