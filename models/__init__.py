"""Networks: arrays in, arrays out. Light to import; an engine is loaded when one is opened."""

from models.denoise import Denoised, Denoiser, Passthrough, Restorer
from models.engines import Engine, EngineInfo, open_engine
from models.errors import EngineUnavailable, ModelError, ParityError
from models.noise import NoiseEstimate, estimate
from models.package import Package, list_shipped, shipped
from models.residuals import Limits, Residuals, judge, verdict

__all__ = [
    "Denoised",
    "Denoiser",
    "Engine",
    "EngineInfo",
    "EngineUnavailable",
    "Limits",
    "ModelError",
    "NoiseEstimate",
    "Package",
    "ParityError",
    "Passthrough",
    "Residuals",
    "Restorer",
    "estimate",
    "judge",
    "list_shipped",
    "open_engine",
    "shipped",
    "verdict",
]
