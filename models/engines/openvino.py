"""OpenVINO on the CPU: the default engine, fastest where the CPU knows bfloat16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.engines.engine import EngineInfo
from models.engines.openvino_import import import_openvino
from models.errors import EngineUnavailable
from models.package import ONNX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package


class OpenVinoEngine:
    """Run ``model.onnx`` with OpenVINO, from memory: compiling takes some 50 ms, so no disk cache.

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
        try:
            core = ov.Core()
            _require(core, precision)
            model = core.read_model(package.read(ONNX))
            compiled = core.compile_model(model, "CPU", _properties(precision, threads))
        except RuntimeError as err:
            raise EngineUnavailable(f"OpenVINO does not start: {_first_line(err)}") from err
        self._request: Any = compiled.create_infer_request()
        self.frames = np.zeros((1, package.manifest.in_frames, *shape), np.float32)
        self._tensor = ov.Tensor(self.frames, shared_memory=True)

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, Y, X), valid until the next call."""
        if self._request is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        if frames.shape == self.frames.shape:
            if frames is not self.frames:
                np.copyto(self.frames, frames)
            self._request.set_input_tensor(self._tensor)
        else:
            self._request.set_input_tensor(self._ov.Tensor(np.ascontiguousarray(frames)))
        self._request.infer(share_outputs=True)  # without it, the answer is copied once more
        return cast("NDArray[np.float32]", self._request.get_output_tensor().data)

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the compiled network."""
        self._request = None


def _properties(precision: str, threads: int) -> dict[str, object]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # Always said: without it OpenVINO takes bfloat16 by itself where the CPU knows it.
        "INFERENCE_PRECISION_HINT": precision,
        # Several processes share the cores; pinned ones would queue for the same core.
        "ENABLE_CPU_PINNING": False,
    }


def _require(core: Any, precision: str) -> None:
    known = [str(c) for c in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")]
    wanted = {"f32": "FP32", "bf16": "BF16"}.get(precision)
    if wanted not in known:
        raise EngineUnavailable(f"this CPU does not know {precision} (it knows {', '.join(known)})")


def _first_line(err: Exception) -> str:
    lines = str(err).strip().splitlines()
    return lines[-1] if lines else type(err).__name__
