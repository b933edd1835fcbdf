"""The way of a frame to the graphics card and back: fixed buffers, one stream, one CUDA graph.

Needs torch with CUDA. Host buffers are pinned, so copies run beside the processor; all device
buffers are made once; what is launched per frame is recorded once and replayed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Launch = Callable[[Any, Any, Any], None]

logger = logging.getLogger(__name__)

_WARM_UPS = 3
"""Runs before a graph is recorded: libraries choose their kernels and allocate in the first ones
(PyTorch documentation, "CUDA Graphs")."""


class CudaLane:
    """Runs one network at one size.

    Parameters
    ----------
    torch
        The module.
    launch
        ``launch(half_in, half_out, stream)`` enqueues the network on a stream, from and into
        float16 tensors of the card.
    shape_in, shape_out
        (1, C, Y, X) and (1, K, s Y, s X).
    records
        Whether to record ``launch`` into a CUDA graph; False where the library does so itself.

    Attributes
    ----------
    frames
        The pinned input, (1, C, Y, X) float32.
    """

    def __init__(
        self,
        torch: Any,
        launch: Launch,
        shape_in: tuple[int, ...],
        shape_out: tuple[int, ...],
        *,
        records: bool = True,
    ) -> None:
        self._torch, self._launch = torch, launch
        self._stream: Any = torch.cuda.Stream()
        self._pinned_in = torch.zeros(shape_in, dtype=torch.float32, pin_memory=True)
        self._pinned_out = torch.zeros(shape_out, dtype=torch.float32, pin_memory=True)
        self.frames = cast("NDArray[np.float32]", self._pinned_in.numpy())
        self._answer = cast("NDArray[np.float32]", self._pinned_out.numpy())
        self._wide_in = torch.zeros(shape_in, dtype=torch.float32, device="cuda")
        self._wide_out = torch.zeros(shape_out, dtype=torch.float32, device="cuda")
        self._half_in = torch.zeros(shape_in, dtype=torch.float16, device="cuda")
        self._half_out = torch.zeros(shape_out, dtype=torch.float16, device="cuda")
        torch.cuda.synchronize()
        self._graph: Any = self._recorded() if records else None

    @property
    def has_graph(self) -> bool:
        """Whether frames replay a recorded graph."""
        return self._graph is not None

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames to the answer, a view of the pinned output, valid until the next call."""
        if frames is not self.frames:
            np.copyto(self.frames, frames)
        with self._torch.inference_mode(), self._torch.cuda.stream(self._stream):
            self._wide_in.copy_(self._pinned_in, non_blocking=True)
            if self._graph is None:
                self._compute()
            else:
                self._graph.replay()
            self._pinned_out.copy_(self._wide_out, non_blocking=True)
        self._stream.synchronize()
        return self._answer

    def _compute(self) -> None:
        self._half_in.copy_(self._wide_in)
        self._launch(self._half_in, self._half_out, self._stream)
        self._wide_out.copy_(self._half_out)

    def _recorded(self) -> Any:
        """Return the graph of one frame, or None where it cannot be recorded."""
        with self._torch.inference_mode():
            with self._torch.cuda.stream(self._stream):
                for _ in range(_WARM_UPS):
                    self._compute()
            self._stream.synchronize()
            graph = self._torch.cuda.CUDAGraph()
            try:
                with self._torch.cuda.graph(graph, stream=self._stream):
                    self._compute()
            except RuntimeError as err:
                logger.warning("no CUDA graph, each frame is launched anew: %s", err)
                return None
        return graph
