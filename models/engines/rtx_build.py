"""Compile a network for GeForce and RTX cards with TensorRT-RTX; no card is needed for that.

Needs the extra "rtx". A plan made here runs on each of the named generations: 86 is Ampere (RTX
30), 89 is Ada (RTX 40), 120 is Blackwell (RTX 50).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.engines.half_onnx import half_onnx
from models.errors import EngineUnavailable
from models.package import ONNX
from models.plan_cache import PlanCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.package import Package
    from models.plan_cache import Facts

TARGETS = ("SM80", "SM86", "SM89", "SM120")
SMALLEST_PX, USUAL_PX, LARGEST_PX = 64, 512, 2048
"""Sizes that a plan with free height and width serves, and the one that it is tuned for."""


def import_rtx() -> Any:
    """Return TensorRT-RTX's module.

    Raises
    ------
    EngineUnavailable
        If it is not installed, or does not load.
    """
    try:
        try:
            import tensorrt_rtx as trt
        except ModuleNotFoundError:
            import tensorrt_rtx_bindings as trt  # the same, without the package that renames it
    except (ImportError, OSError) as err:
        raise EngineUnavailable(
            f'TensorRT-RTX cannot be imported: {err} (pip install -e ".[rtx]")'
        ) from err
    return trt


def rtx_plan(
    package: Package,
    size: tuple[int, int] | None = None,
    targets: Sequence[str] = TARGETS,
    cache: PlanCache | None = None,
    card: str = "",
) -> tuple[bytes, bool]:
    """Return a compiled float16 plan, and whether it was kept from before.

    Parameters
    ----------
    package
        The network.
    size
        Height and width, px; None: any from 64 to 2048.
    targets
        Generations of cards, out of `TARGETS`, or "CURRENT" alone for the card of this machine.
    card
        Name and driver of that card, with "CURRENT".

    Raises
    ------
    EngineUnavailable
        If TensorRT-RTX or `onnx` is not installed, or does not compile this network.
    """
    trt = import_rtx()
    return (cache or PlanCache()).get_or_build(
        plan_facts(package, size, targets, str(trt.__version__), card),
        lambda: build(trt, half_content(package), package.manifest.in_channels, size, targets),
    )


def plan_facts(
    package: Package,
    size: tuple[int, int] | None,
    targets: Sequence[str],
    version: str,
    card: str = "",
) -> Facts:
    """Return all that a plan depends on; ``card`` names card and driver where those matter."""
    return {
        "kind": "tensorrt-rtx",
        "network": package.manifest.sha256[ONNX],
        "sizes": [SMALLEST_PX, USUAL_PX, LARGEST_PX] if size is None else list(size),
        "precision": "fp16",
        "version": version,
        "targets": list(targets),
        "card": card,
    }


def half_content(package: Package) -> bytes:
    """Return the package's network in float16."""
    try:
        return half_onnx(package.read(ONNX))
    except ImportError as err:
        raise EngineUnavailable(f"float16 cannot be made here: {err} (pip install onnx)") from err


def build(
    trt: Any,
    content: bytes,
    channels: int,
    size: tuple[int, int] | None,
    targets: Sequence[str],
) -> bytes:
    """Compile a float16 ONNX model."""
    builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, trt.Logger(trt.Logger.ERROR))
    if not parser.parse(content):
        reasons = [parser.get_error(i).desc() for i in range(parser.num_errors)]
        raise EngineUnavailable(f"TensorRT-RTX does not understand this network: {reasons}")
    config = builder.create_builder_config()
    config.num_compute_capabilities = len(targets)
    for number, name in enumerate(targets):
        capability = getattr(trt.ComputeCapability, name, None)
        if capability is None:
            raise EngineUnavailable(f"this TensorRT-RTX does not compile for {name}")
        config.set_compute_capability(capability, number)
    low, usual, high = (size,) * 3 if size else (
        (SMALLEST_PX,) * 2, (USUAL_PX,) * 2, (LARGEST_PX,) * 2,
    )  # fmt: skip
    profile = builder.create_optimization_profile()
    profile.set_shape(
        network.get_input(0).name, (1, channels, *low), (1, channels, *usual), (1, channels, *high)
    )
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineUnavailable(f"TensorRT-RTX does not compile this network for {targets}")
    return bytes(plan)
