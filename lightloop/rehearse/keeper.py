"""The keeper of a rehearsal, and the owner it has to end; where it hangs itself, others end it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from acquire.errors import KeeperLost, LightNotDark
from acquire.keeper.pipes import make_pipes
from acquire.keeper.pulse import Pulse
from acquire.pipe import new_pipe
from lightloop.processes.keeper import ALL, OWNER_S
from lightloop.processes.link import Failed, Finished
from lightloop.supervision.children import wait_until_ready
from lightloop.supervision.keeper_watch import KeeperWatch
from lightloop.supervision.lights_out import LightsOut
from lightloop.supervision.outcome import Verdict

if TYPE_CHECKING:
    from contextlib import ExitStack
    from multiprocessing.connection import Connection

    from lightloop.rehearse.figures import LinePlan
    from lightloop.supervision.children import Child, Family

KEEPER_S = 45.0  # longer than the keeper goes on trying
GONE_S = 5.0


def start(
    family: Family,
    pipes: tuple[Connection | None, Connection | None],
    after: ExitStack,
    try_s: float,
) -> tuple[Connection, Child, KeeperWatch, Child]:
    """Start the culprit, and the keeper that watches it; both end with `after`, the keeper last."""
    owner, theirs = make_pipes()
    person, culprits = new_pipe()
    culprit = family.start("culprit", owner.leases, owner.orders, pipes[0], culprits)
    pid = culprit.process.pid
    assert pid is not None, "it was started"
    pulse = Pulse()
    ends = theirs.leases, theirs.orders
    keeper = family.start("keeper", *ends, pipes[1], pid, OWNER_S, pulse, ALL, try_s)
    watch = KeeperWatch(pulse)
    after.callback(
        _let_end, keeper, watch, _patience_s(try_s)
    )  # it sees that the culprit is gone, and goes dark
    after.callback(culprit.end, GONE_S)
    after.callback(person.close)
    for child in (culprit, keeper):
        wait_until_ready(child)
    return person, keeper, watch, culprit


def _patience_s(try_s: float) -> float:
    return max(KEEPER_S, OWNER_S + 2 * try_s)


def _let_end(keeper: Child, watch: KeeperWatch, patience_s: float) -> None:
    if keeper.is_ready:
        watch.expect_in(OWNER_S)
    watch.wait([keeper.process.sentinel], patience_s)
    keeper.end(0.0)


def wait_for_keeper(
    family: Family, keeper: Child, watch: KeeperWatch, culprit: Child, plan: LinePlan
) -> int:
    """Return when the keeper said that it is dark, host clock ns.

    Raises
    ------
    LightNotDark
        If it does not say so.
    KeeperLost
        If it hung, and others ended the light in its place.
    """
    watch.wait([keeper.pipe, keeper.process.sentinel], _patience_s(plan.try_s))
    message = keeper.hear()
    ended_ns = time.perf_counter_ns()
    if isinstance(message, Finished):
        keeper.has_finished = True
        return ended_ns
    culprit.end(0.0)  # towards less light: what ends with its process ends now
    why = message.reason if isinstance(message, Failed) else "it said nothing"
    if watch.hangs:
        keeper.kill()
        why = "it hung, in the driver of a light"
        if "light" not in family.children and _is_dark_by_others(family):
            raise KeeperLost(
                f"the keeper that had to end light {plan.light.name!r} hung in its driver, and was "
                "killed; others ended the light, seconds later, as in a run: its driver may hang "
                "again, so do not run unattended on this stand"
            )
    raise LightNotDark(
        f"DARK NOT CONFIRMED: the keeper could not end light {plan.light.name!r} ({why}): "
        "switch it off by hand, and do not run unattended on this stand"
    )


def _is_dark_by_others(family: Family) -> bool:
    """Let other keepers go dark, one for each light, as in a run; return whether they saw it."""

    def drain(child: Child) -> None:
        while (message := child.hear()) is not None:
            child.has_finished |= isinstance(message, Finished)
            verdict.may_be_lit |= isinstance(message, Failed)

    verdict = Verdict()
    lights = LightsOut(family, verdict, drain)
    lights.take_over()
    lights.wait_for_the_keeper(was_lit=True)
    return not verdict.may_be_lit
