"""All engines: where each is written, in which precisions it runs, and which is tried first."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from models.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engines.engine import Engine
    from models.package import Package

    Opener = Callable[[Package, tuple[int, int], str, int], Engine]


class Choice(NamedTuple):
    """One engine in one precision."""

    engine: str
    precision: str


_CLASSES = {
    "tensorrt": ("models.engines.tensorrt", "TensorRtEngine"),
    "tensorrt-rtx": ("models.engines.tensorrt_rtx", "TensorRtRtxEngine"),
    "torch-cuda": ("models.engines.torch_cuda", "TorchCudaEngine"),
    "openvino": ("models.engines.openvino", "OpenVinoEngine"),
    "onnxruntime": ("models.engines.onnxruntime", "OnnxRuntimeEngine"),
    "torch": ("models.engines.torch_cpu", "TorchCpuEngine"),
}
FASTEST_FIRST = (
    Choice("tensorrt", "fp16"),
    Choice("tensorrt-rtx", "fp16"),
    Choice("torch-cuda", "fp16"),
    Choice("openvino", "bf16"),
    Choice("openvino", "int8"),
    Choice("onnxruntime", "int8"),
    Choice("openvino", "f32"),
    Choice("onnxruntime", "f32"),
    Choice("torch", "f32"),
)
"""The order where nobody has measured (`models.engines.order`): graphics cards before processors.
Median ms of a network of 32 channels and 5 frames, 512 x 512 px, 2 threads of a Xeon with AMX: 9,
10, 30, 46, 50; where the processor has AVX2 only bf16 is refused, and int8 takes 42, f32 74. torch
comes last: it is the reference, not a way to run."""


def candidates(engine: str, precision: str) -> tuple[Choice, ...]:
    """Return what "auto", or a name, stands for; in the order of `FASTEST_FIRST`.

    Raises
    ------
    EngineUnavailable
        If there is no such engine or precision; the message lists what there is.
    """
    found = tuple(
        choice
        for choice in FASTEST_FIRST
        if engine in ("auto", choice.engine) and precision in ("auto", choice.precision)
    )
    if not found:
        known = ", ".join(f"{name} {kind}" for name, kind in FASTEST_FIRST)
        raise EngineUnavailable(f"there is no engine {engine!r} in {precision!r}; known: {known}")
    return found


def opener(name: str) -> Opener:
    """Return the class of an engine; its library is imported when one is made."""
    module, attribute = _CLASSES[name]
    return cast("Opener", getattr(import_module(module), attribute))
