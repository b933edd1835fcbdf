"""A microscope for a calibration: in this process, with its guard, and a keeper in another."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquire.calibrating.calibration_light import Exposer
from acquire.calibrating.camera_key import camera_key
from acquire.camera import Camera
from acquire.dose import Ledger
from acquire.errors import LightNotDark
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import make_pipes
from acquire.keeper.pulse import Pulse
from acquire.pipe import new_pipe
from acquire.simulated import LightBoxClient
from acquire.simulated.config import SimulatedScopeConfig
from acquire.stand.scope import Scope
from lightloop.build.guard import build_guard
from lightloop.build.microscope import load_core
from lightloop.config import MicroManagerConfig
from lightloop.processes.keeper import ALL, OWNER_S
from lightloop.processes.link import Failed, Finished
from lightloop.supervision.awake import awake_for
from lightloop.supervision.children import READY_S, Family, wait_until_ready
from lightloop.supervision.driver_time import first_try_s
from lightloop.supervision.keeper_watch import KeeperWatch
from lightloop.supervision.one_at_a_time import hold_stand
from lightloop.task import RunTask

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from multiprocessing.connection import Connection

    from acquire.calibration import CameraKey
    from acquire.core import Core
    from acquire.light.guard import LightGuard
    from acquire.light.source import LightSource
    from lightloop.config import RunConfig
    from lightloop.supervision.children import Child

GONE_S = 5.0
KEEPER_S = 45.0  # longer than the keeper goes on trying
PARTING_S = 0.2  # we let go of the light before we part, and live on; proposed
# Micro-Manager's threads end a little after their core; an interpreter that ends before them
# aborts (microscope without hardware, pymmcore-plus 0.18.1: 0 of 18 with this pause).
CORE_ENDS_S = 0.3


@dataclass(frozen=True, slots=True)
class Stand:
    """What a calibration works with. `exposer` is the only way to its light."""

    core: Core
    exposer: Exposer
    camera: CameraKey
    ledger: Ledger


@contextmanager
def open_stand(
    config: RunConfig,
    text: str,
    name: str,
    channel: str,
    *,
    lights: Mapping[str, LightSource] | None = None,
    budget: Mapping[str, float] | None = None,
) -> Generator[Stand]:
    """Load the microscope, dark; leave it dark whatever happens: `with open_stand(...) as stand:`.

    Parameters
    ----------
    text
        The config as written, for the keeper's process.
    lights
        Lights in place of the config's, by name: as they are before they are calibrated.
    budget
        Dose of each light in place of the config's.

    Raises
    ------
    KeeperLost
        If there is nobody who would turn the light off if this process died.
    LightNotDark
        On leaving, if a light is not read back as dark, by us or by the keeper.
    """
    budget = budget or {s.name: s.limits.budget_j_cm2 for s in config.light}
    with ExitStack() as after:
        after.enter_context(hold_stand(config))
        after.enter_context(awake_for(config))
        light, keeper = _start_keeper(Family(RunTask(text, name, "")), config, after)
        core = load_core(config, light, lambda: 0.0)
        after.callback(_unload, core)
        if isinstance(config.scope, MicroManagerConfig):
            for device, key, value in config.scope.properties:
                core.setProperty(device, key, value)
        camera, ledger = Camera(core), Ledger(dict(budget))
        guard = build_guard(config, core, camera, keeper, ledger, lights)
        after.callback(_leave_dark, guard)
        keeper.obey(guard.go_dark)
        Scope(core, config.channel, config.light).select(channel)
        yield Stand(core, Exposer(guard, channel), camera_key(core, camera.label), ledger)


def _start_keeper(
    family: Family, config: RunConfig, after: ExitStack
) -> tuple[LightBoxClient | None, KeeperLink]:
    """Start the keeper, and the simulated light where there is one; both end with `after`."""
    ours = theirs = None
    if isinstance(config.scope, SimulatedScopeConfig):
        (us, box_a), (keeper_light, box_b) = new_pipe(), new_pipe()
        box = family.start("light", [box_a, box_b])
        ours, theirs = us, keeper_light
        after.callback(box.end, GONE_S)
        after.callback(us.close)
        wait_until_ready(box)
    lease_ends, keeper_ends = make_pipes()
    ends, pid = (keeper_ends.leases, keeper_ends.orders), os.getpid()
    pulse = Pulse()
    try_s = first_try_s(config)
    child = family.start("keeper", *ends, theirs, pid, PARTING_S, pulse, ALL, try_s)
    after.callback(_hear_out, child, KeeperWatch(pulse), max(KEEPER_S, OWNER_S + 2 * try_s))
    link = KeeperLink(lease_ends)
    after.callback(link.end)
    wait_until_ready(child)
    return _client(ours), link


def _hear_out(keeper: Child, watch: KeeperWatch, patience_s: float = KEEPER_S) -> None:
    """Let the keeper switch everything off once more, and believe what it says.

    One that hangs says nothing: then the light may have come on again as it was let go of.
    """
    watch.expect_in(READY_S if not keeper.is_ready else OWNER_S)
    watch.wait([keeper.process.sentinel], patience_s)
    last = keeper.hear()
    was_alive = keeper.is_alive
    keeper.end(0.0)
    if isinstance(last, Failed):
        raise LightNotDark(last.reason)
    if was_alive and keeper.is_ready and not isinstance(last, Finished):
        raise LightNotDark(
            "DARK NOT CONFIRMED: the keeper hung as it switched everything off once more, in the "
            "driver of a light; we had read it back as dark: look at it"
        )


def _client(pipe: Connection | None) -> LightBoxClient | None:
    return None if pipe is None else LightBoxClient(pipe)


def _leave_dark(guard: LightGuard) -> None:
    if not guard.all_dark():
        raise LightNotDark("a light is not read back as dark after the calibration: check it")


def _unload(core: Core) -> None:
    core.unloadAllDevices()
    time.sleep(CORE_ENDS_S)
