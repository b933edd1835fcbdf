"""A shutter that takes its time."""

from __future__ import annotations


class Blade:
    """Opens and closes so long after the command; the last command counts.

    Attributes
    ----------
    is_open
        Whether light passes.
    told_open
        The last command, whatever became of it.
    open_delay_s, close_delay_s
        From the command to the movement, in host time, s.
    due_s
        When it will move, host time, s; None if it rests.
    """

    def __init__(self) -> None:
        self.is_open = self.told_open = False
        self.open_delay_s = self.close_delay_s = 0.0
        self.due_s: float | None = None

    def command(self, is_open: bool, now_s: float) -> bool:
        """Tell it to open or to close; return whether it did at once."""
        self.due_s = None
        if is_open == self.is_open:
            return False
        delay_s = self.open_delay_s if is_open else self.close_delay_s
        if delay_s > 0.0:
            self.due_s = now_s + delay_s
            return False
        self.is_open = is_open
        return True

    def move(self) -> None:
        """Do the movement that is due."""
        self.is_open, self.due_s = not self.is_open, None
