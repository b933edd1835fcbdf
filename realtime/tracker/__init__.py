"""Who is who from shot to shot: identities that last, births, divisions and ends."""

from realtime.tracker.config import TrackerConfig
from realtime.tracker.forecast import forecast
from realtime.tracker.tracker import Tracker

__all__ = ["Tracker", "TrackerConfig", "forecast"]
