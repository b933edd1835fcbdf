"""Which engine was fastest here: `lightloop models bench` measures it, "auto" remembers it."""

from __future__ import annotations

import json
import logging
import os
import platform
from importlib import metadata
from typing import TYPE_CHECKING

from models.engines.gpu import find_gpu
from models.engines.table import Choice
from models.errors import EngineUnavailable
from models.package import ONNX
from models.plan_cache import PlanCache

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.package import Package
    from models.plan_cache import Facts

logger = logging.getLogger(__name__)

_LIBRARIES = ("openvino", "onnxruntime", "torch", "torch-tensorrt", "tensorrt-rtx")


def remember(
    package: Package,
    shape: tuple[int, int],
    threads: int,
    medians_ms: Mapping[Choice, float],
    cache: PlanCache | None = None,
) -> None:
    """Keep the median time of each engine that passed the gate."""
    content = json.dumps([[*choice, ms] for choice, ms in medians_ms.items()])
    (cache or PlanCache()).put(_facts(package, shape, threads), content.encode())


def remembered(
    package: Package,
    shape: tuple[int, int],
    threads: int,
    choices: Sequence[Choice],
    cache: PlanCache | None = None,
) -> tuple[Choice, ...]:
    """Return ``choices``, the fastest first; those that were not measured follow as they stood."""
    content = (cache or PlanCache()).get(_facts(package, shape, threads))
    if content is None:
        return tuple(choices)
    medians_ms = {Choice(engine, kind): float(ms) for engine, kind, ms in json.loads(content)}
    return tuple(sorted(choices, key=lambda choice: medians_ms.get(choice, float("inf"))))


def _facts(package: Package, shape: tuple[int, int], threads: int) -> Facts:
    """Return what a measured order depends on."""
    return {
        "kind": "order",
        "network": package.manifest.sha256.get(ONNX, ""),
        "files": sorted(package.manifest.sha256),
        "shape": list(shape),
        "threads": threads,
        "machine": f"{platform.node()} {platform.machine()} {platform.processor()}",
        "cores": os.cpu_count() or 0,
        "card": _card(),
        "libraries": [f"{name} {_version(name)}" for name in _LIBRARIES],
    }


def _card() -> str:
    try:
        gpu = find_gpu()
    except EngineUnavailable:
        return "none"
    return f"{gpu.name}, driver {gpu.driver}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
