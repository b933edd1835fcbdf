"""PyTorch on the CPU: the reference that the others are compared with. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.engines.engine import EngineInfo
from models.engines.torch_net import import_torch, torch_net
from models.errors import EngineUnavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.package import Package


class TorchCpuEngine:
    """Run ``weights.npz`` in `models.unet.LiteUNet`, float32.

    Raises
    ------
    EngineUnavailable
        If torch is not installed, or another precision is asked for.
    """

    name = "torch"

    def __init__(
        self, package: Package, shape: tuple[int, int], precision: str, threads: int
    ) -> None:
        torch = import_torch()  # heavy, and only those who train have it
        if precision != "f32":
            raise EngineUnavailable(f"torch is the f32 reference here, it does not run {precision}")
        torch.set_num_threads(threads)
        self.precision, self._threads, self._version = precision, threads, str(torch.__version__)
        self.parity_rms = float("nan")
        self._torch: Any = torch
        self._net: Any = torch_net(package).to(memory_format=torch.channels_last)
        self.frames = np.zeros((1, package.manifest.in_channels, *shape), np.float32)

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, s Y, s X)."""
        if self._net is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        with self._torch.inference_mode():
            given = self._torch.from_numpy(frames)
            out = self._net(given.contiguous(memory_format=self._torch.channels_last))
        return cast("NDArray[np.float32]", out.contiguous().numpy())

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the network."""
        self._net = None
