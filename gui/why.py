"""The rows of the why-log: what was decided, by whom, and why. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquire.settings import ChannelSettings, Settings
    from realtime.policy.decision import Decision

SAME = "no change"


class Kind(StrEnum):
    """Who speaks in a row."""

    DECISION = "decision"
    GUARD = "guard"
    PERSON = "you"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log.

    Attributes
    ----------
    t_s
        Experiment time, s; NaN where it is not known.
    what, why, by
        The three texts of the row. For a decision, `why` is `Decision.reason` to the letter.
    is_change
        Whether anything is different after it.
    level
        "info", "warn" or "fault".
    shot
        The shot that the row speaks of; -1 for none.
    """

    kind: Kind
    t_s: float
    what: str
    why: str
    by: str
    is_change: bool = True
    level: str = "info"
    shot: int = -1


def decision_row(decision: Decision, before: Settings | None, t_s: float) -> Row:
    """Return the row of a decision; `before` are the settings that it replaces."""
    what = SAME if before is None else describe_change(before, decision.settings)
    return Row(
        Kind.DECISION, t_s, what, decision.reason, decision.policy, what != SAME, shot=decision.id
    )


def describe_change(before: Settings, after: Settings) -> str:
    """Say in a few words how settings differ: "exposure 8 → 6.5 ms"."""
    changes: list[str] = []
    old = {entry.channel: entry for entry in before.channels}
    for new in after.channels:
        prefix = f"{new.channel} " if len(after.channels) > 1 else ""
        changes += [prefix + text for text in _channel_change(old.get(new.channel), new)]
    if len(before.z_um) != len(after.z_um) or before.z_um != after.z_um:
        changes.append(f"planes {len(before.z_um) or 'plan'} → {len(after.z_um) or 'plan'}")
    if before.interval_s != after.interval_s:
        changes.append(f"interval {_or_plan(before.interval_s)} → {_or_plan(after.interval_s)}")
    if before.roi != after.roi:
        changes.append("region " + ("x".join(map(str, after.roi[2:])) if after.roi else "full"))
    if before.binning != after.binning:
        changes.append(f"binning {before.binning} → {after.binning}")
    return ", ".join(changes) or SAME


def number(value: float) -> str:
    """Return a number with three digits and no tail of zeros."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def steady(value: float) -> str:
    """Return a number with always three digits: what stands after it keeps its place."""
    return f"{value:#.3g}".rstrip(".") if 1e-3 <= abs(value) < 1000 else number(value)


def padded(value: object, places: int) -> str:
    """Return a number on so many places, filled with spaces as wide as a digit."""
    return str(value).rjust(places, "\u2007")


def clock(t_s: float, *, with_hours: bool = False) -> str:
    """Return a time as people read it: 01:19.4, or 2:03:41 from an hour on or if asked."""
    if t_s != t_s:
        return "--:--"
    minutes, seconds = divmod(max(t_s, 0.0), 60.0)
    if minutes >= 60 or with_hours:
        return f"{int(minutes) // 60}:{int(minutes) % 60:02d}:{int(seconds):02d}"
    return f"{int(minutes):02d}:{int(seconds * 10) / 10:04.1f}"


def _channel_change(old: ChannelSettings | None, new: ChannelSettings) -> list[str]:
    if old is None:
        return [f"exposure {number(new.exposure_ms)} ms"]
    texts = []
    if number(old.exposure_ms) != number(new.exposure_ms):
        texts.append(f"exposure {number(old.exposure_ms)} → {number(new.exposure_ms)} ms")
    then, now = number(100 * old.power_fraction), number(100 * new.power_fraction)
    if then != now:
        texts.append(f"power {then} → {now} %")
    return texts


def _or_plan(interval_s: float) -> str:
    return f"{number(interval_s)} s" if interval_s else "plan"
