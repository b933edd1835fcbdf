"""A whole simulated experiment in one process: core, guard, ledger and loop, but no other process.

What a run does with light it does here with the same code. Only the keeper is missing, as the light
is simulated, and the frames go to a listener by a call instead of through the hub.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol, cast

from acquire.errors import ScopeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquire.core import Core
    from acquire.frame import Frame, Shot
    from acquire.plan.plan import PlannedShot
    from acquire.settings import Request
    from acquire.simulated.truth import Seen
    from lightloop.config import RunConfig


class Listener(Protocol):
    """Whoever sees the frames of a film, and says how much light the next one gets."""

    def see(self, frame: Frame, truth: Seen) -> None:
        """Take a frame, and what only the simulator knows of it."""
        ...

    def next_request(self, shot: Shot) -> Request:
        """Return what the next shot may use."""
        ...


@dataclass(frozen=True, slots=True)
class Bill:
    """Dose of a film, J/cm2: as the ledger booked it, and as the light box metered it."""

    booked_j_cm2: float
    metered_j_cm2: float


def _plan(config: RunConfig, at_um: tuple[float, float, float]) -> Iterator[PlannedShot]:
    from acquire.plan.plan import plan_shots

    return plan_shots(config.sequence(), at_um, config.loop.audit_every_shots)


def film(config: RunConfig, first: Request, n_shots: int, listener: Listener) -> Bill:
    """Film the specimen of a config from its beginning.

    Raises
    ------
    ScopeError
        If the run did not come to its end in good order.
    """
    from pymmcore_plus.experimental.unicore import UniMMCore

    from acquire.camera import Camera
    from acquire.clock import SimulatedClock
    from acquire.dose import Ledger
    from acquire.keeper.link import NoKeeper
    from acquire.loop.loop import run
    from acquire.simulated import LocalLightBox, load_simulated_scope
    from acquire.stand.scope import Scope
    from lightloop.build.guard import build_guard

    assert config.scope.kind == "simulated"
    seen: list[Seen] = []
    stop = threading.Event()
    clock = SimulatedClock(stop)
    box = LocalLightBox(config.scope.lines())
    device_core = UniMMCore()
    core = cast("Core", device_core)
    ledger = Ledger({s.name: s.limits.budget_j_cm2 for s in config.light})
    try:
        bench = load_simulated_scope(device_core, config.scope, box, clock.now_s)
        guard = build_guard(config, core, Camera(core), NoKeeper(), ledger)
        scope = Scope(core, config.channel, config.light)
        bench.witness = seen.append
        outcome = run(
            islice(_plan(config, scope.position_um()), n_shots),
            scope,
            guard,
            clock,
            camera=core.getCameraDevice(),
            publish=lambda frame: listener.see(frame, seen.pop()),
            next_request=listener.next_request,
            report=lambda report: None,
            first=first,
            should_stop=stop.is_set,
        )
    finally:
        core.unloadAllDevices()
    if not (outcome.is_complete and outcome.is_dark):
        raise ScopeError(f"a film of the bench ended early: {outcome.reason}")
    metered = sum(meter.dose_j_cm2 for meter in box.meter().values())
    return Bill(sum(ledger.totals().values()), metered)
