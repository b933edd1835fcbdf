"""PyTorch on the graphics card: float16, channels last, one CUDA graph. What always works there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.engines.cuda_engine import CudaEngine
from models.engines.cuda_lane import CudaLane
from models.engines.torch_net import torch_net

if TYPE_CHECKING:
    from models.package import Package


class TorchCudaEngine(CudaEngine):
    """Run ``weights.npz`` in `models.unet.LiteUNet` on the graphics card.

    ``records=False`` launches each layer anew: the eager torch that others are compared with.
    """

    name = "torch-cuda"

    def __init__(
        self,
        package: Package,
        shape: tuple[int, int],
        precision: str,
        threads: int,
        *,
        records: bool = True,
    ) -> None:
        self._records = records
        self._net: Any = None
        super().__init__(package, shape, precision, threads)

    def close(self) -> None:
        """Free the card."""
        super().close()
        self._net = None

    def _open(self) -> str:
        net = torch_net(self._package).half().cuda()
        self._net = net.to(memory_format=self._torch.channels_last)
        return str(self._torch.__version__)

    def _make_lane(self, size: tuple[int, int]) -> CudaLane:
        channels_last = self._torch.channels_last

        def launch(half_in: Any, half_out: Any, stream: Any) -> None:
            del stream  # torch launches on the current one, which is it
            half_out.copy_(self._net(half_in.contiguous(memory_format=channels_last)))

        return CudaLane(self._torch, launch, *self._shapes(size), records=self._records)
