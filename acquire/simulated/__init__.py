"""A microscope without hardware: a live specimen, its light and its camera, behind a real core."""

from __future__ import annotations

from acquire.simulated.config import LASER, SimulatedScopeConfig
from acquire.simulated.devices import load_simulated_scope
from acquire.simulated.light_box import (
    LightBox,
    LightBoxClient,
    LightSource,
    LocalLightBox,
    serve,
)
from acquire.simulated.light_source import BoxState, Exposed, Line, LineMeter

__all__ = [
    "LASER",
    "BoxState",
    "Exposed",
    "LightBox",
    "LightBoxClient",
    "LightSource",
    "Line",
    "LineMeter",
    "LocalLightBox",
    "SimulatedScopeConfig",
    "load_simulated_scope",
    "serve",
]
