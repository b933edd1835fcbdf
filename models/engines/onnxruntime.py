"""ONNX Runtime on the CPU: a second opinion in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.engines.engine import EngineInfo
from models.errors import EngineUnavailable
from models.package import ONNX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package


class OnnxRuntimeEngine:
    """Run ``model.onnx`` with ONNX Runtime.

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
        if precision != "f32":
            raise EngineUnavailable(f"ONNX Runtime runs f32 here, not {precision}")
        self.precision, self._threads, self._version = precision, threads, str(ort.__version__)
        self.parity_rms = float("nan")
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Spinning workers take the core that camera and window need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(
                package.read(ONNX), options, providers=["CPUExecutionProvider"]
            )
        except RuntimeError as err:
            raise EngineUnavailable(f"ONNX Runtime does not start: {err}") from err
        self.frames = np.zeros((1, package.manifest.in_frames, *shape), np.float32)

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, Y, X)."""
        if self._session is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        return cast("NDArray[np.float32]", self._session.run(None, {"frames": frames})[0])

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the session."""
        self._session = None
