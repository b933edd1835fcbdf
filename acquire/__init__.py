"""The microscope and its light: frames come out, and light goes in through one door only."""

from acquire.calibration import Calibration
from acquire.camera import Camera, Image
from acquire.clock import Clock, HostClock, SimulatedClock
from acquire.core import Core
from acquire.core_loading import load_system
from acquire.dose import Ledger
from acquire.errors import ScopeError
from acquire.frame import Frame, FrameInfo, Index, Shot
from acquire.keeper.keep import keep
from acquire.keeper.link import KeeperLink, NoKeeper
from acquire.keeper.pipes import make_pipes
from acquire.light.bounds import GuardRules
from acquire.light.guard import LightGuard
from acquire.light.lease import Lease
from acquire.light.limits import LightLimits
from acquire.light.port import LightPort
from acquire.light.source import Channel, LightSource
from acquire.loop.loop import Outcome, ShotReport, run
from acquire.plan.plan import PlannedExposure, PlannedShot, plan_shots
from acquire.settings import Applied, ChannelSettings, Limits, Request, Settings
from acquire.stand.scope import Scope

__all__ = [
    "Applied", "Calibration", "Camera", "Channel", "ChannelSettings", "Clock", "Core",
    "Frame", "FrameInfo", "GuardRules", "HostClock", "Image", "Index", "KeeperLink",
    "Lease", "Ledger", "LightGuard", "LightLimits", "LightPort", "LightSource", "Limits",
    "NoKeeper", "Outcome", "PlannedExposure", "PlannedShot", "Request", "Scope",
    "ScopeError", "Settings", "Shot", "ShotReport", "SimulatedClock", "keep", "load_system",
    "make_pipes", "plan_shots", "run",
]  # fmt: skip
