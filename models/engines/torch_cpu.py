"""PyTorch on the CPU: the reference that the others are compared with. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.engines.engine import EngineInfo
from models.errors import EngineUnavailable
from models.package import WEIGHTS

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
        try:
            import torch  # here: heavy, and only those who train have it

            from models.unet import LiteUNet
        except (ImportError, OSError) as err:
            raise EngineUnavailable(f"torch cannot be imported: {err}") from err
        if precision != "f32":
            raise EngineUnavailable(f"torch is the f32 reference here, it does not run {precision}")
        torch.set_num_threads(threads)
        self.precision, self._threads, self._version = precision, threads, str(torch.__version__)
        self.parity_rms = float("nan")
        self._torch: Any = torch
        net = LiteUNet(package.manifest.in_frames, package.manifest.base)
        net.load_state_dict(
            {name: torch.from_numpy(array) for name, array in package.arrays(WEIGHTS).items()}
        )
        self._net: Any = net.eval().to(memory_format=torch.channels_last)
        self.frames = np.zeros((1, package.manifest.in_frames, *shape), np.float32)

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, Y, X)."""
        if self._net is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        with self._torch.inference_mode():
            out = self._net(self._torch.from_numpy(frames))
        return cast("NDArray[np.float32]", out.contiguous().numpy())

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the network."""
        self._net = None
