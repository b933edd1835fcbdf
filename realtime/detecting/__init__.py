"""The parts of detection: what is noise, what is background, which pixels are whose cell."""

from realtime.detecting.false_alarms import expected_false_alarms, threshold_sigma

__all__ = ["expected_false_alarms", "threshold_sigma"]
