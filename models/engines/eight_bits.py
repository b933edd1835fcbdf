"""Where an engine finds the int8 form of a network: in its package, else in the user's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import EngineUnavailable
from models.package import ONNX
from models.plan_cache import PlanCache

if TYPE_CHECKING:
    from models.package import Package
    from models.plan_cache import Facts

INT8 = "int8.onnx"
RECIPE = 1
"""Raised whenever `models.quantise` makes something else of the same network."""


def int8_model(package: Package, cache: PlanCache | None = None) -> bytes:
    """Return the int8 form of a package's network.

    Raises
    ------
    EngineUnavailable
        If it has none, and none was made here.
    """
    if INT8 in package.manifest.sha256:
        return package.read(INT8)
    made = (cache or PlanCache()).get(facts(package))
    if made is None:
        raise EngineUnavailable(
            f"{package.model_id} has no int8 form yet: lightloop models compile "
            f"{package.manifest.name}"
        )
    return made


def make_int8(package: Package, cache: PlanCache | None = None) -> bool:
    """Make the int8 form of a package that has none; return whether that was necessary.

    Raises
    ------
    EngineUnavailable
        If the libraries that make it are not installed.
    """
    from models.quantise import quantise
    from models.quantise_package import calibration_frames

    if INT8 in package.manifest.sha256:
        return False
    frames = calibration_frames(package.manifest)
    _, was_there = (cache or PlanCache()).get_or_build(
        facts(package), lambda: quantise(package.read(ONNX), frames)
    )
    return not was_there


def facts(package: Package) -> Facts:
    """Return what the int8 form depends on."""
    return {"kind": "int8", "network": package.manifest.sha256[ONNX], "recipe": RECIPE}
