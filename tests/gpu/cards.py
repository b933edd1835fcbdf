"""The engines of graphics cards that are tried, and how one is opened or why it is not."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from models.engines import gate
from models.engines.gpu import find_gpu
from models.engines.rtx_build import TARGETS
from models.engines.tensorrt import TensorRtEngine
from models.engines.tensorrt_rtx import TensorRtRtxEngine
from models.engines.torch_cuda import TorchCudaEngine
from models.errors import EngineUnavailable
from models.package import Package
from models.plan_cache import PlanCache

SHAPE = (512, 512)
KINDS = {
    "torch-cuda": lambda cache: TorchCudaEngine,
    "tensorrt": lambda cache: _with(TensorRtEngine, cache=cache),
    "tensorrt, any size": lambda cache: _with(TensorRtEngine, cache=cache, is_dynamic=True),
    "tensorrt-rtx": lambda cache: _with(TensorRtRtxEngine, cache=cache),
    "tensorrt-rtx, any size": lambda cache: _with(TensorRtRtxEngine, cache=cache, is_dynamic=True),
}
EAGER = "torch eager"
"""What the others are compared with: each layer launched anew."""


def _with(kind: Any, **options: Any) -> Callable[..., Any]:
    return lambda *given: kind(*given, **options)


def why_not(kind: str) -> str:
    """Say what is not installed; empty if nothing is.

    Only that is a reason to skip: an engine that is all there and does not compile is broken.
    """
    if find_spec("torch") is None:
        return "torch is not installed"
    import torch

    if not torch.cuda.is_available():
        return f"torch {torch.__version__} cannot use the card"
    if kind.startswith("tensorrt-rtx"):
        if not any(find_spec(name) for name in ("tensorrt_rtx", "tensorrt_rtx_bindings")):
            return 'TensorRT-RTX is not installed (pip install -e ".[rtx]")'
    elif kind.startswith("tensorrt") and find_spec("torch_tensorrt") is None:
        return 'torch-tensorrt is not installed (pip install -e ".[tensorrt]")'
    return ""


def opened(kind: str, package: Package, folder: Path, shape: tuple[int, int] = SHAPE) -> Any:
    """Open an engine through the parity gate, or skip with the reason why it cannot be here."""
    reason = why_not(kind)
    if reason:
        pytest.skip(reason)
    cache = PlanCache(folder)
    opener = _with(TorchCudaEngine, records=False) if kind == EAGER else KINDS[kind](cache)
    try:
        return gate.open_checked(opener, package, shape, "fp16", 1)
    except EngineUnavailable as err:
        # TensorRT-RTX is not made for every generation: on those it is tried, and may refuse.
        if kind.startswith("tensorrt-rtx") and "SM" + find_gpu().sm.replace(".", "") not in TARGETS:
            pytest.skip(f"TensorRT-RTX refuses {find_gpu().name} ({find_gpu().sm}): {err}")
        raise
