"""With how much light: policies propose the next settings from what was seen."""

from realtime.policy.decision import Decision, Policy
from realtime.policy.fixed import FixedConfig, FixedPolicy
from realtime.policy.observation import Observation, Trust
from realtime.policy.snr import SnrConfig, SnrPolicy

__all__ = [
    "Decision",
    "FixedConfig",
    "FixedPolicy",
    "Observation",
    "Policy",
    "SnrConfig",
    "SnrPolicy",
    "Trust",
]
