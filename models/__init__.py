"""Networks: arrays in, arrays out. Light to import; an engine is loaded when one is opened."""

from models.axial import AxialInterpolator
from models.denoise import Denoised, Denoiser, Passthrough, Restorer
from models.engines import Engine, EngineInfo, open_engine
from models.errors import EngineUnavailable, FrameRefused, ModelError, ParityError
from models.noise import NoiseEstimate, estimate
from models.package import Package, list_shipped, shipped
from models.residuals import Limits, Residuals, judge, verdict
from models.superres import SuperResolver

__all__ = [
    "AxialInterpolator",
    "Denoised",
    "Denoiser",
    "Engine",
    "EngineInfo",
    "EngineUnavailable",
    "FrameRefused",
    "Limits",
    "ModelError",
    "NoiseEstimate",
    "Package",
    "ParityError",
    "Passthrough",
    "Residuals",
    "Restorer",
    "SuperResolver",
    "estimate",
    "judge",
    "list_shipped",
    "open_engine",
    "shipped",
    "verdict",
]
