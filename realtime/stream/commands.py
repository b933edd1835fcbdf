"""A command is obeyed once, and soon: what was overheard or delayed moves nothing later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from realtime.wire import Command

VALID_S = 3.0  # what our own clients ask for: longer than any hub's turn; proposed
MOST_VALID_S = 10.0  # also bounds how long an id must be remembered; proposed
MOST_REMEMBERED = 10_000  # nobody presses that often in 10 s
ALWAYS_OBEYED = "stop_light"


class CommandBook:
    """Remembers what was asked for, as long as it could be asked for again.

    STOP LIGHT is not held against anything: to go dark twice harms nobody, and a wrong clock must
    not keep a light on.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}  # id, and when it expires

    def objection(self, command: Command, now_ns: int) -> str:
        """Say why a command is not obeyed, and note it; empty if it is.

        Parameters
        ----------
        now_ns
            Host clock, `perf_counter_ns`.
        """
        if command.name == ALWAYS_OBEYED:
            return ""
        if not command.id:
            return "a command needs an id of its own"
        left_s = (command.expires_t_ns - now_ns) * 1e-9
        if left_s <= 0:
            return f"the command expired {-left_s:.1f} s ago"
        if left_s > MOST_VALID_S:
            return f"a command is valid for {MOST_VALID_S:.0f} s at most, got {left_s:.1f} s"
        self._seen = {known: ns for known, ns in self._seen.items() if ns > now_ns}
        if command.id in self._seen:
            return "the command was given before"
        if len(self._seen) >= MOST_REMEMBERED:
            return "too many commands"
        self._seen[command.id] = command.expires_t_ns
        return ""
