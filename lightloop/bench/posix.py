"""Signals that stop and kill, for benches that break things; Windows has none of them."""

from __future__ import annotations

import signal

from acquire.errors import ScopeError


def _number(name: str) -> int:
    return int(getattr(signal, name, 0))


KILL, STOP, CONT = _number("SIGKILL"), _number("SIGSTOP"), _number("SIGCONT")


def refuse_without_signals(bench: str) -> None:
    """Refuse a bench where there are no signals: number 0 would break nothing, and all would hold.

    Raises
    ------
    ScopeError
        On Windows.
    """
    if not (KILL and STOP and CONT):
        raise ScopeError(
            f"bench {bench} stops and kills processes by signals, which Windows has not: "
            "run it on Linux or macOS"
        )
