"""How long a picture takes, so that none is begun that a shot has no time for."""

from __future__ import annotations

EASE = 0.9
"""What is left of a time at a shot that it was too long for: one slow drawing is not the last."""
LEAST = 0.5
"""Share of the time at the warm-up below which it is not taken to be: else what takes long would be
tried again and again where shots follow each other fast, each time a late decision (proposed)."""


class Pace:
    """The time that one thing takes.

    Attributes
    ----------
    ns
        The last time that is known; 0: none is.
    """

    def __init__(self) -> None:
        self.ns = 0
        self._least_ns = 0

    def warmed_up(self) -> None:
        """Take the time that is known now for what it is when nothing disturbs it."""
        self._least_ns = int(LEAST * self.ns)

    def ease(self) -> None:
        """Take it to be a little shorter: it was too long for this shot."""
        self.ns = max(int(EASE * self.ns), min(self.ns, self._least_ns))
