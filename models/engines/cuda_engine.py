"""What all engines of a graphics card share: one lane per size, sizes that come and go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from models.engines.engine import EngineInfo
from models.engines.gpu import find_gpu
from models.engines.torch_net import import_torch
from models.errors import EngineUnavailable

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from models.engines.cuda_lane import CudaLane
    from models.package import Package

_LANES = 3
"""Sizes that are kept ready beside that of the frames."""


class CudaEngine(ABC):
    """An engine in float16 on the first graphics card.

    Raises
    ------
    EngineUnavailable
        If there is no card, no driver, no torch with CUDA, or another precision is asked for.
    """

    name = ""

    def __init__(
        self, package: Package, shape: tuple[int, int], precision: str, threads: int
    ) -> None:
        self._gpu = find_gpu()  # before torch, which takes seconds to import
        if precision != "fp16":
            raise EngineUnavailable(f"{self.name} runs fp16 here, not {precision}")
        self._torch: Any = import_torch()
        if not self._torch.cuda.is_available():
            raise EngineUnavailable(f"torch {self._torch.__version__} cannot use {self._gpu.name}")
        self._torch.cuda.synchronize()  # wakes the card: libraries ask this thread for its context
        self.precision, self._threads = precision, threads
        self.parity_rms = float("nan")
        self._package = package
        self._version = self._open()
        self._lane: CudaLane | None = self._try_lane(shape)
        self._others: dict[tuple[int, ...], CudaLane] = {}
        self.frames = self._lane.frames

    def infer(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map frames (1, C, Y, X) to (1, K, s Y, s X), valid until the next call."""
        if self._lane is None:
            raise EngineUnavailable("this engine was closed: open a new one")
        if frames.shape == self.frames.shape:
            return self._lane.infer(frames)
        size = frames.shape[2:]
        if size not in self._others:
            while len(self._others) >= _LANES:
                self._others.pop(next(iter(self._others)))
            self._others[size] = self._try_lane((size[0], size[1]))
        return self._others[size].infer(frames)

    def info(self) -> EngineInfo:
        """Say who computes."""
        return EngineInfo(self.name, self._version, self.precision, self._threads, self.parity_rms)

    def close(self) -> None:
        """Free the card."""
        self._lane = None
        self._others.clear()

    @property
    def has_graph(self) -> bool:
        """Whether frames replay a recorded CUDA graph."""
        return self._lane is not None and self._lane.has_graph

    def _shapes(self, size: tuple[int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the shape of input and answer for frames of a size."""
        manifest = self._package.manifest
        wide = tuple(manifest.upscale * n for n in size)
        return (1, manifest.in_channels, *size), (1, manifest.outputs, *wide)

    def _try_lane(self, size: tuple[int, int]) -> CudaLane:
        try:
            return self._make_lane(size)
        except (RuntimeError, AssertionError, ImportError, OSError) as err:
            if isinstance(err, EngineUnavailable):
                raise
            first = (str(err).strip().splitlines() or [type(err).__name__])[0]
            raise EngineUnavailable(f"{self.name} does not start: {first}") from err

    @abstractmethod
    def _open(self) -> str:
        """Import what is needed, and return its version."""

    @abstractmethod
    def _make_lane(self, size: tuple[int, int]) -> CudaLane:
        """Return a lane for frames of ``size``."""
