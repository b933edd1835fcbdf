"""With how much light: policies propose the next settings from what was seen."""

from realtime.policy.decision import Decision, Policy
from realtime.policy.observation import Observation, Trust

__all__ = ["Decision", "Observation", "Policy", "Trust"]
