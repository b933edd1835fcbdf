"""What a message says in the why-log, in words. No Qt here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.why import Kind, Row

if TYPE_CHECKING:
    from realtime.wire import AppliedMessage, End, Gap, Notice, Reply, Result

_LEVELS = {"warn": "warning", "fault": "fault"}


def row_of_worker(result: Result) -> Row:
    """Return the row of a worker that has begun, and what it still knows."""
    recalled = result.recalled
    knows_cells = recalled is not None and recalled.shot >= 0
    knows_policy = recalled is not None and "policy" in recalled.learnt
    cells = "it knows its cells" if knows_cells else "its tracks begin anew"
    why = f"{cells}; its policy {'goes on' if knows_policy else 'begins anew'}"
    t_s = result.observation.t_s
    return Row(Kind.NOTICE, t_s, "worker started", why, "worker", level="warn")


def row_of_guard(message: AppliedMessage, why: str, t_s: float) -> Row:
    """Return the row of light that the guard refused, or of which it gave less."""
    what, level = ("no light", "warn") if message.refused else ("gave less", "info")
    return Row(Kind.GUARD, t_s, what, why, "guard", level=level, shot=message.shot)


def row_of_gap(gap: Gap, t_s: float) -> Row:
    """Return the row of frames that are gone for everybody."""
    n = gap.seq_to - gap.seq_from + 1
    return Row(Kind.NOTICE, t_s, f"{n} frames lost", gap.reason, "hub", level="warn")


def row_of_notice(notice: Notice, t_s: float) -> Row:
    """Return the row of a notice."""
    word = _LEVELS.get(notice.level, "note")
    return Row(Kind.NOTICE, t_s, word, notice.text, "run", level=notice.level)


def row_of_pause(notice: Notice, t_s: float) -> Row:
    """Return the row of a run that is to wait, or goes on."""
    word = "run goes on" if notice.level == "go on" else "run paused"
    return Row(Kind.NOTICE, t_s, word, notice.text, "run")


def row_of_reply(reply: Reply, t_s: float, *, is_replay: bool) -> Row:
    """Return the row of what came of a person's wish."""
    if reply.name == "stop_light" and is_replay:
        return Row(Kind.PERSON, t_s, "no light to stop", reply.text, "you")
    words = {
        "hold": "feedback held", "release": "feedback on", "pause": "run paused",
        "resume": "run goes on", "stop": "run stopped",
        "stop_light": "light off" if reply.is_dark else "light NOT confirmed off",
    }  # fmt: skip
    what = words.get(reply.name, reply.name) if reply.is_ok else f"{reply.name} failed"
    level = "info" if reply.is_ok else "warn"
    if reply.name == "stop_light" and not reply.is_dark:
        level = "fault"
    return Row(Kind.PERSON, t_s, what, reply.text, "you", level=level)


def row_of_end(end: End, t_s: float) -> Row:
    """Return the row of the end."""
    level = "info" if end.status == "complete" else "warn"
    return Row(Kind.NOTICE, t_s, f"run {end.status}", end.reason, "run", level=level)
