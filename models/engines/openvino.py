"""OpenVINO on the CPU: the default engine, fastest where the CPU knows bfloat16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.engines.eight_bits import int8_model
from models.engines.engine import EngineInfo
from models.engines.openvino_import import import_openvino
from models.errors import EngineUnavailable
from models.package import ONNX
from models.strips import aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package

_SIZES = 4
"""Compiled sizes that are kept: that of the frames, and a few others."""


class OpenVinoEngine:
    """Run ``model.onnx`` or ``int8.onnx`` with OpenVINO.

    Each size is compiled for itself: in int8 a program for any size takes half as long again.
    Compiling takes 40 to 90 ms, so nothing is kept on disk.

    Raises
    ------
    EngineUnavailable
        If OpenVINO is not installed, does not start, or the CPU does not know the precision.
    """

    name = "openvino"

    def __init__(
        self, package: Package, shape: tuple[int, int], precision: str, threads: int
    ) -> None:
        try:
            ov = import_openvino()  # here: heavy, and not everybody has it
        except (ImportError, OSError) as err:
            raise EngineUnavailable(f"OpenVINO cannot be imported: {err}") from err
        self.precision, self._threads = precision, threads
        self.parity_rms = float("nan")
        self._ov, self._version = ov, str(ov.__version__).split("-")[0]
        content = int8_model(package) if precision == "int8" else package.read(ONNX)
        try:
            self._core = ov.Core()
            _require(self._core, precision)
            self._model = self._core.read_model(content)
        except RuntimeError as err:
            raise EngineUnavailable(f"OpenVINO does not start: {_first_line(err)}") from err
        self.frames = aligned((1, package.manifest.in_channels, *shape))
        self._tensor = ov.Tensor(self.frames, shared_memory=True)
        self._own: Any = self._compiled(self.frames.shape)
        self._own.set_input_tensor(self._tensor)
        self._others: dict[tuple[int, ...], Any] = {}

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, s Y, s X), valid until the next call."""
        if self._own is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        if frames.shape == self.frames.shape:
            if frames is not self.frames:
                np.copyto(self.frames, frames)
            request = self._own
        else:
            request = self._other(frames.shape)
            request.set_input_tensor(self._ov.Tensor(np.ascontiguousarray(frames, np.float32)))
        request.infer(share_outputs=True)  # without it, the answer is copied once more
        return cast("NDArray[np.float32]", request.get_output_tensor().data)

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the compiled network."""
        self._own = None
        self._others.clear()

    def _other(self, shape: tuple[int, ...]) -> Any:
        if shape not in self._others:
            while len(self._others) >= _SIZES:
                self._others.pop(next(iter(self._others)))
            self._others[shape] = self._compiled(shape)
        return self._others[shape]

    def _compiled(self, shape: tuple[int, ...]) -> Any:
        try:
            model = self._model.clone()
            model.reshape(list(shape))
            properties = _properties(self.precision, self._threads)
            compiled = self._core.compile_model(model, "CPU", properties)
        except RuntimeError as err:  # a CPU may name a precision that it has no layer for
            raise EngineUnavailable(f"OpenVINO does not start: {_first_line(err)}") from err
        return compiled.create_infer_request()


def _properties(precision: str, threads: int) -> dict[str, object]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # Always said: without it OpenVINO takes bfloat16 by itself where the CPU knows it. An int8
        # network says itself which of its layers are in eight bits; the others stay in float32.
        "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
        # Several processes share the cores; pinned ones would queue for the same core.
        "ENABLE_CPU_PINNING": False,
    }


def _require(core: Any, precision: str) -> None:
    known = [str(c) for c in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")]
    wanted = {"f32": "FP32", "bf16": "BF16", "int8": "INT8"}.get(precision)
    if wanted not in known:
        raise EngineUnavailable(f"this CPU does not know {precision} (it knows {', '.join(known)})")


def _first_line(err: Exception) -> str:
    lines = [line for line in str(err).strip().splitlines() if line.strip()]
    return lines[-1] if lines else type(err).__name__
