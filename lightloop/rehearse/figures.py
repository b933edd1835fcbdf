"""What a rehearsal has shown: the figures of one light, and whether it may still be on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from acquire.errors import LightNotDark, LightRefused
from acquire.keeper.keep import TRY_S
from acquire.light.trace import Leak, is_seen, leak
from lightloop.rehearse.kept import LineFigures

if TYPE_CHECKING:
    from lightloop.config import LightConfig
    from lightloop.processes import culprit as words
    from lightloop.rehearse.watch import Eye

STILL_LIT = 0.1  # of the light that was switched: no leak, a light that is on; proposed
METER_LIMIT = 0.01  # least share that a person can read off a meter; proposed


class LinePlan(NamedTuple):
    """How one light is rehearsed: by which channel, how weakly, and for how long at most.

    `try_s` is how long its keeper's try to end it may take.
    """

    light: LightConfig
    channel: str
    power_fraction: float
    exposure_ms: float
    n_frames: int
    try_s: float = TRY_S

    @property
    def on_s(self) -> float:
        """Longest time that it is on, both times together, s; the keeper's part of it aside."""
        return (self.n_frames + 1) * self.exposure_ms * 1e-3


class Seen(NamedTuple):
    """One light's rehearsal as it went: what was said when, host clock ns, and the readings, mW."""

    began_ns: int
    lit: words.Lit
    closed: words.IsDark
    off: words.IsDark
    hung: words.Lit
    ended_ns: int
    over_ns: int
    readings_mw: tuple[float, float, float] | None = None


def figures(plan: LinePlan, eye: Eye, seen: Seen, by_hand: tuple[int, int] | None) -> LineFigures:
    """Work the figures out: what the camera saw, what a meter showed, or what devices say."""
    trace, lit = eye.trace(), seen.lit
    frame_ns = int(trace.period_ms * 1e6) if math.isfinite(trace.period_ms) else 0
    late_ns = 3 * frame_ns  # a change has reached the frames by then, whatever it is late
    dark = trace.level(*(by_hand or (seen.began_ns + late_ns, lit.told_ns)))
    on = trace.level((lit.told_ns + seen.closed.told_ns) // 2, seen.closed.told_ns)
    settled_ns = (seen.closed.told_ns + seen.off.told_ns) // 2
    closed = leak(dark, on, trace.level(settled_ns, seen.off.told_ns))
    off = leak(dark, on, trace.level(seen.off.read_ns + late_ns, seen.hung.told_ns))
    by = "read-back"
    open_ns = float(lit.read_ns - lit.told_ns)
    close_ns = float(seen.closed.read_ns - seen.closed.told_ns)
    keeper_ns = float(seen.ended_ns - seen.hung.deadline_ns)
    if is_seen(dark, on):
        by = "camera"
        open_ns = trace.came_ns(dark, on, lit.told_ns, (lit.told_ns + seen.closed.told_ns) // 2)
        open_ns -= lit.told_ns
        close_ns = trace.went_ns(dark, on, seen.closed.told_ns, settled_ns) - seen.closed.told_ns
        hung = trace.level((seen.hung.told_ns + seen.hung.deadline_ns) // 2, seen.hung.deadline_ns)
        gone_ns = trace.went_ns(dark, hung, seen.hung.deadline_ns, seen.over_ns)
        keeper_ns = gone_ns - seen.hung.deadline_ns
        after = leak(dark, on, trace.level(seen.ended_ns + late_ns, seen.over_ns))
        off = max(off, after, key=lambda one: one.share)
    else:
        closed = off = Leak(math.nan, math.nan)
    if seen.readings_mw is not None:  # of two witnesses the one that saw more light is believed
        by_meter = _by_meter(*seen.readings_mw)
        if by == "read-back":
            by, (closed, off) = "meter", by_meter
        closed, off = (
            max(pair, key=lambda one: one.share if one.share > 0 else 0.0)
            for pair in zip((closed, off), by_meter, strict=True)
        )
    hung_s = (seen.ended_ns - seen.hung.told_ns) * 1e-9
    return LineFigures(
        light=plan.light.name,
        power_fraction=plan.power_fraction,
        seen_by=by,  # type: ignore[arg-type]  # one of the three
        frame_ms=_number(trace.period_ms) if by == "camera" else None,
        open_ms=_number(open_ns * 1e-6),
        close_ms=_number(close_ns * 1e-6),
        keeper_ms=_number(keeper_ns * 1e-6),
        closed_share=_number(closed.share),
        closed_limit=_number(closed.limit),
        off_share=_number(off.share),
        off_limit=_number(off.limit),
        dose=seen.off.dose + plan.light.irradiance_w_cm2(plan.power_fraction) * hung_s,
        dose_unit=plan.light.dose_unit,
    )


def _by_meter(lit_mw: float, closed_mw: float, off_mw: float) -> tuple[Leak, Leak]:
    """Return the leaks as a person read them; what a meter shows in the dark is not known."""
    if not (lit_mw > 0 and all(map(math.isfinite, (lit_mw, closed_mw, off_mw)))):
        raise LightRefused(
            f"the meter showed {lit_mw:g} mW with the light on, {closed_mw:g} with its switch "
            f"closed and {off_mw:g} with everything off: nothing to compare"
        )
    return Leak(closed_mw / lit_mw, METER_LIMIT), Leak(off_mw / lit_mw, METER_LIMIT)


def refuse_light(plan: LinePlan, found: LineFigures) -> None:
    """Raise where a light that was switched off is still seen; its read-back is no matter then."""
    for share, state in (
        (found.off_share, "everything is switched off"),
        (found.closed_share, "its switch is closed"),
    ):
        if share is not None and share > STILL_LIT:
            raise LightNotDark(
                f"DARK NOT CONFIRMED: {share:.0%} of light {plan.light.name!r} is seen when "
                f"{state}, whatever the device says: switch it off by hand"
            )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
