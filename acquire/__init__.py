"""The microscope and its light: frames come out, and light goes in through one door only."""

from acquire.bounds import GuardRules
from acquire.calibration import Calibration
from acquire.clock import Clock, HostClock, SimulatedClock
from acquire.errors import ScopeError
from acquire.frame import Frame, FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Limits, Request, Settings
from acquire.source import Channel, LightLimits, LightSource
