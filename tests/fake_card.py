"""A graphics card that is none: the calls that our engines make of CUDA, answered on the CPU.

A recorded graph is what its stream did since it was opened, done again. Needs torch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np

from models.engines.gpu import Gpu

CARD = Gpu("NVIDIA H200", "9.0", "580.65")


class FakeGraph:
    """A CUDA graph: what was launched while it was recorded."""

    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1
        self.work()


class FakeCuda:
    """`torch.cuda`; ``refuses`` is what breaks a recording."""

    def __init__(self, refuses: str = "") -> None:
        self.CUDAGraph, self._refuses = FakeGraph, refuses
        self.graphs: list[FakeGraph] = []

    def is_available(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass

    def Stream(self) -> Any:  # torch's name
        class Stream:
            cuda_stream = 7

            def synchronize(self) -> None:
                pass

        return Stream()

    def stream(self, stream: Any) -> Any:
        return nullcontext(stream)

    @contextmanager
    def graph(self, graph: FakeGraph, stream: Any) -> Iterator[None]:
        if self._refuses:
            raise RuntimeError(self._refuses)
        self.graphs.append(graph)
        yield


class FakeTorch:
    """`torch`, with a card."""

    def __init__(self, refuses: str = "") -> None:
        import torch

        self._torch, self.cuda = torch, FakeCuda(refuses)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)

    def zeros(self, *shape: Any, device: str = "cpu", pin_memory: bool = False, **more: Any) -> Any:
        assert device in ("cpu", "cuda")
        assert not (pin_memory and device == "cuda")  # torch pins memory of the processor only
        return self._torch.zeros(*shape, **more)


def install(patch: Any, refuses: str = "") -> FakeTorch:
    """Put the card in place of what is here."""
    import torch

    from models.engines import cuda_engine, cuda_lane, tensorrt, tensorrt_rtx, torch_cuda

    fake = FakeTorch(refuses)
    patch.setattr(cuda_engine, "find_gpu", lambda: CARD)
    patch.setattr(cuda_engine, "import_torch", lambda: fake)
    patch.setattr(torch.nn.Module, "cuda", lambda self: self)

    class Lane(cuda_lane.CudaLane):
        def _recorded(self) -> Any:
            graph = super()._recorded()
            if graph is not None:
                graph.work = self._compute
            return graph

    for module in (torch_cuda, tensorrt, tensorrt_rtx):
        patch.setattr(module, "CudaLane", Lane)
    return fake


def half_at(address: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return what lies at an address of the card, float16."""
    count = int(np.prod(shape))
    raw = (ctypes.c_uint16 * count).from_address(address)
    return np.frombuffer(raw, np.float16).reshape(shape)


class FakeTrt:
    """`tensorrt`: plans are names of exported programs that were compiled before."""

    __version__ = "11.0.0"
    __spec__ = ModuleSpec("tensorrt", None)  # torch asks which modules are there
    float16 = "half"

    class TensorIOMode:
        INPUT, OUTPUT = "in", "out"

    class Logger:
        WARNING = 1

        def __init__(self, level: int) -> None:
            self.level = level

    def __init__(self) -> None:
        self.programs: dict[bytes, Any] = {}
        self.asked: list[dict[str, Any]] = []
        self.dynamo = self
        trt = self

        class Runtime:
            def __init__(self, logger: Any) -> None:
                assert isinstance(logger, trt.Logger)

            def deserialize_cuda_engine(self, content: bytes) -> Any:
                return FakePlan(trt.programs[content]) if content in trt.programs else None

        self.Runtime = Runtime

    @staticmethod
    def Input(**given: Any) -> dict[str, Any]:  # the library's name
        return given

    def convert_exported_program_to_serialized_trt_engine(
        self, program: Any, **given: Any
    ) -> bytes:
        self.asked.append(given)
        name = f"plan {len(self.programs)}".encode()
        self.programs[name] = program
        return name


class FakePlan:
    """A plan on the card, and its own context."""

    num_io_tensors = 2

    def __init__(self, program: Any) -> None:
        self._net, self._at, self._shape = program.module(), {}, None

    def create_execution_context(self, *settings: Any) -> FakePlan:
        return self

    def get_tensor_name(self, number: int) -> str:
        return ("frames", "output0")[number]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name == "frames" else "out"

    def get_tensor_dtype(self, name: str) -> str:
        return "half"

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert name == "frames"
        self._shape = shape
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._run(np.zeros(self._shape, np.float16)).shape)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._at[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == 7  # the lane's own
        answer = self._run(half_at(self._at["frames"], self._shape))
        half_at(self._at["output0"], answer.shape)[...] = answer
        return True

    def _run(self, frames: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            answer: np.ndarray = self._net(torch.from_numpy(frames.copy())).numpy()
        return answer
