"""A microscope without hardware: a live specimen, its light and its camera, behind a real core."""

from __future__ import annotations

from acquire.simulated.config import LASER, SimulatedScopeConfig
from acquire.simulated.devices.devices import load_simulated_scope
from acquire.simulated.light.light_box import AnyLightBox, LightBoxClient, serve
from acquire.simulated.light.light_source import BoxState, Exposed, LightBox, Line, LineMeter
from acquire.simulated.light.local_light_box import LocalLightBox

__all__ = [
    "LASER",
    "AnyLightBox",
    "BoxState",
    "Exposed",
    "LightBox",
    "LightBoxClient",
    "Line",
    "LineMeter",
    "LocalLightBox",
    "SimulatedScopeConfig",
    "load_simulated_scope",
    "serve",
]
