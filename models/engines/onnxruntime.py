"""ONNX Runtime on the CPU: a second opinion in float32, and int8 without OpenVINO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.engines.eight_bits import int8_model
from models.engines.engine import EngineInfo
from models.errors import EngineUnavailable
from models.package import ONNX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package


class OnnxRuntimeEngine:
    """Run ``model.onnx`` or ``int8.onnx`` with ONNX Runtime.

    Raises
    ------
    EngineUnavailable
        If ONNX Runtime is not installed or does not start, or another precision is asked for.
    """

    name = "onnxruntime"

    def __init__(
        self, package: Package, shape: tuple[int, int], precision: str, threads: int
    ) -> None:
        try:
            import onnxruntime as ort  # here: heavy, and not everybody has it
        except (ImportError, OSError) as err:
            raise EngineUnavailable(f"ONNX Runtime cannot be imported: {err}") from err
        if precision not in ("f32", "int8"):
            raise EngineUnavailable(f"ONNX Runtime runs f32 and int8 here, not {precision}")
        self.precision, self._threads, self._version = precision, threads, str(ort.__version__)
        self.parity_rms = float("nan")
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Spinning workers take the core that camera and window need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        content = int8_model(package) if precision == "int8" else package.read(ONNX)
        try:
            self._session: Any = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except RuntimeError as err:
            raise EngineUnavailable(f"ONNX Runtime does not start: {err}") from err
        manifest = package.manifest
        self.frames = np.zeros((1, manifest.in_channels, *shape), np.float32)
        wide = [manifest.upscale * n for n in shape]
        self._out = np.empty((1, manifest.outputs, *wide), np.float32)
        self._bound: Any = self._session.io_binding()
        for bind, name, array in (
            (self._bound.bind_input, "frames", self.frames),
            (self._bound.bind_output, self._session.get_outputs()[0].name, self._out),
        ):
            bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, s Y, s X), valid until the next call."""
        if self._session is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        if frames.shape != self.frames.shape:
            return cast("NDArray[np.float32]", self._session.run(None, {"frames": frames})[0])
        if frames is not self.frames:
            np.copyto(self.frames, frames)
        self._session.run_with_iobinding(self._bound)
        return self._out

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the session."""
        self._session = self._bound = None
