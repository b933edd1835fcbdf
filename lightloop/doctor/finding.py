"""One line of the doctor."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and what to do about it.

    Attributes
    ----------
    verdict
        "ok"; "warn": a run works, but less well or without a part; "fail": no run will work.
    fix
        What to do; empty where nothing is to be done.
    """

    verdict: Verdict
    name: str
    value: str
    fix: str = ""


def judged(
    name: str, value: str, *, is_bad: bool, fix: str = "", verdict: Verdict = "warn"
) -> Finding:
    """Return a line that is ok, or bears the given verdict and its fix where it is bad."""
    return Finding(verdict, name, value, fix) if is_bad else Finding("ok", name, value)
