"""`lightloop rehearse`: how the light of this stand comes, goes, leaks, and is ended by the keeper.

Two processes, so that one may fail: the culprit (`lightloop.processes.culprit`) owns the light
devices, with a guard and a keeper of its own; this one has the camera, and looks.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from acquire.calibrating.calibration_records import iso_date
from acquire.errors import LightRefused
from acquire.pipe import new_pipe
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.config import ConfigError
from lightloop.processes import culprit as words
from lightloop.rehearse.figures import LinePlan, Seen, figures, refuse_light
from lightloop.rehearse.keeper import start, wait_for_keeper
from lightloop.rehearse.kept import LineFigures, Rehearsal
from lightloop.rehearse.stand import stand_sha256
from lightloop.rehearse.watch import looking, prepare
from lightloop.supervision.awake import awake_for
from lightloop.supervision.children import Family, wait_until_ready
from lightloop.supervision.driver_time import first_try_s
from lightloop.supervision.one_at_a_time import hold_stand
from lightloop.task import RunTask

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from acquire.simulated import AnyLightBox
    from lightloop.config import LightConfig, RunConfig
    from lightloop.rehearse.watch import Eye

ANSWER_S = 30.0
GONE_S = 5.0
SHINE_S = 1.0  # for the camera; a meter needs longer
METER_S = 3.0
LONGEST_MS = 200.0


def plan_rehearsal(
    config: RunConfig, name: str, wanted: float, *, by_meter: bool = False
) -> tuple[LinePlan, ...]:
    """Plan one rehearsal for each light that has a switch and a channel, as weak as can be.

    Raises
    ------
    ConfigError
        If no light can be rehearsed.
    """
    plans = []
    for light in config.light:
        channel = next((c.name for c in config.channel if c.light == light.name), "")
        if not (channel and light.is_switchable):
            continue
        exposure_ms = min(light.limits.max_exposure_ms, LONGEST_MS)
        seconds = METER_S if by_meter else SHINE_S
        n_frames = math.ceil(seconds * 1e3 / exposure_ms)
        plans.append(LinePlan(light, channel, least_power(light, wanted), exposure_ms, n_frames))
    if not plans:
        raise ConfigError(f"{name}: no light has both a switch and a channel: nothing to rehearse")
    return tuple(plans)


def least_power(light: LightConfig, wanted: float) -> float:
    """Return the weakest power that a device can be set to, from the one that is wanted on."""
    if not light.is_dimmable:
        return 1.0
    wanted = min(wanted, light.limits.max_power_fraction)
    if taken := light.takes(wanted):
        return taken
    one_step = light.fraction(light.off_value + light.power_step)
    return min(one_step, light.limits.max_power_fraction)


def rehearse(
    config: RunConfig,
    text: str,
    name: str,
    plans: tuple[LinePlan, ...],
    camera_ms: float,
    say: Callable[[str], None],
    switch_by_hand: Callable[[bool], None] | None = None,
    read_mw: Callable[[str], float] | None = None,
) -> Rehearsal:
    """Rehearse every light, one after the other.

    Parameters
    ----------
    switch_by_hand
        Asks a person to switch the lamps off (False) or on (True) at their own switch; None: the
        dark is what our own commands make of it.
    read_mw
        Asks a person what the power meter showed, mW; None: the camera looks.

    Raises
    ------
    LightNotDark
        If a light is seen after it was switched off, or its keeper could not end it.
    ScopeError
        If anything else fails; the light is off.
    """
    family, lines = Family(RunTask(text, name, "")), []
    with ExitStack() as after:
        after.enter_context(hold_stand(config))
        after.enter_context(awake_for(config))
        boxes = _start_light(config, family, 1 + 2 * len(plans), after)
        began_s = time.monotonic()
        camera = prepare(config, plans[0].channel)
        try_s = first_try_s(config, time.monotonic() - began_s)  # it started all drivers
        for number, plan in enumerate(one._replace(try_s=try_s) for one in plans):
            if number:
                prepare(config, plan.channel)
            pipes = boxes[1 + 2 * number], boxes[2 + 2 * number]
            say(f"light {plan.light.name!r} at {100 * plan.power_fraction:.3g} % of its maximum")
            with looking(config, camera, plan.channel, camera_ms, _client(boxes[0])) as eye:
                lines.append(_one(config, family, plan, eye, pipes, say, switch_by_hand, read_mw))
    reference = "switched off by us" if switch_by_hand is None else "lamp off by hand"
    date = iso_date(datetime.now(UTC))
    return Rehearsal(date, name, stand_sha256(config), camera, reference, tuple(lines))


def _one(
    config: RunConfig,
    family: Family,
    plan: LinePlan,
    eye: Eye,
    pipes: tuple[Connection | None, Connection | None],
    say: Callable[[str], None],
    switch_by_hand: Callable[[bool], None] | None,
    read_mw: Callable[[str], float] | None,
) -> LineFigures:
    by_hand: tuple[int, int] | None = None
    if switch_by_hand is not None:
        switch_by_hand(False)
        from_ns = time.perf_counter_ns()
        eye.rest()
        by_hand = from_ns, time.perf_counter_ns()
        switch_by_hand(True)
    seen = _act(family, plan, eye, pipes, say, read_mw)
    found = figures(plan, eye, seen, by_hand)
    refuse_light(plan, found)
    return found


def _act(
    family: Family,
    plan: LinePlan,
    eye: Eye,
    pipes: tuple[Connection | None, Connection | None],
    say: Callable[[str], None],
    read_mw: Callable[[str], float] | None,
) -> Seen:
    """Light up and go dark, as a run does; then hang in the light, and let the keeper end it."""
    shine = words.Shine(plan.channel, plan.power_fraction, plan.exposure_ms, plan.n_frames)
    with ExitStack() as after:
        person, keeper, watch, culprit = start(family, pipes, after, plan.try_s)
        began_ns = time.perf_counter_ns()
        eye.rest()
        lit = _ask(person, shine, words.Lit)
        if lit.clamped:
            say(f"the guard gives less than was asked for: {lit.clamped}")
        mw: list[float] = []
        if read_mw is not None:
            say(f"the light is on for {METER_S:g} s: look at the meter")
            time.sleep(0.9 * METER_S)
        eye.rest()
        closed = _ask(person, words.Off(), words.IsDark)
        if read_mw is not None:
            mw.append(read_mw("power while the light was on, mW"))
            mw.append(read_mw("power now, its switch closed, mW"))
        eye.rest()
        off = _ask(person, words.AllOff(), words.IsDark)
        if read_mw is not None:
            mw.append(read_mw("power now, everything switched off, mW"))
        eye.rest()
        say("its owner hangs now, in the light: the keeper has to end it")
        alone = words.Shine(plan.channel, plan.power_fraction, plan.exposure_ms, 1, hangs=True)
        hung = _ask(person, alone, words.Lit)
        ended_ns = wait_for_keeper(family, keeper, watch, culprit, plan)
        eye.rest()
        readings = (mw[0], mw[1], mw[2]) if mw else None
        return Seen(
            began_ns, lit, closed, off, hung, ended_ns, time.perf_counter_ns(), readings
        )  # fmt: skip


def _start_light(
    config: RunConfig, family: Family, n_owners: int, after: ExitStack
) -> list[Connection | None]:
    """Start the light of a simulated microscope, and return so many pipes to it."""
    if not isinstance(config.scope, SimulatedScopeConfig):
        return [None] * n_owners
    pairs = [new_pipe() for _ in range(n_owners)]
    box = family.start("light", [theirs for _, theirs in pairs])
    after.callback(box.end, GONE_S)
    for ours, _ in pairs:
        after.callback(ours.close)
    wait_until_ready(box)
    return [ours for ours, _ in pairs]


def _client(pipe: Connection | None) -> AnyLightBox | None:
    if pipe is None:
        return None
    from acquire.simulated import LightBoxClient

    return LightBoxClient(pipe)


def _ask(person: Connection, order: words.Order, wanted: type[words.LitOrDark]) -> words.LitOrDark:
    """Give the culprit an order, and return its answer.

    Raises
    ------
    LightRefused
        If it refuses, or says nothing.
    """
    person.send_bytes(words.ENCODER.encode(order))
    try:
        if not person.poll(ANSWER_S):
            raise LightRefused(f"no answer to {type(order).__name__} within {ANSWER_S:.0f} s")
        answer = words.ANSWERS.decode(person.recv_bytes())
    except (EOFError, OSError) as error:
        raise LightRefused(f"the process with the light has gone: {error!r}") from error
    if isinstance(answer, wanted):
        return answer
    why = answer.why if isinstance(answer, words.Refused) else f"it said {answer}"
    raise LightRefused(f"the light was not rehearsed: {why}")
