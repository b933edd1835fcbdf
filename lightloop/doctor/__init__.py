"""Looks at a machine and says, line by line, what a run would miss."""

from lightloop.doctor.examination import examine
from lightloop.doctor.finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]
