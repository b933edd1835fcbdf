"""Who is who from shot to shot: identities that last, births, divisions and ends."""

from realtime.tracker.forecast import forecast
from realtime.tracker.tracker import Tracker, TrackerConfig

__all__ = ["Tracker", "TrackerConfig", "forecast"]
