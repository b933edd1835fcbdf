"""The scope: the process that holds the microscope, and runs one session of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.clock import HostClock, SimulatedClock
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.build.microscope import build_microscope
from lightloop.calibrate.calibrations import resolve
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.processes.session import Session
from lightloop.sample.diary import note_run
from lightloop.supervision.one_at_a_time import hold_stand
from lightloop.task import RunTask

if TYPE_CHECKING:
    import threading
    from multiprocessing.connection import Connection

    from acquire.clock import Clock
    from lightloop.config import RunConfig


def main(
    task_json: bytes,
    supervisor: Connection,
    leases: Connection,
    orders: Connection,
    light: Connection | None,
) -> None:
    """Entry of the process: pipes to the supervisor, the keeper and the simulated light box."""
    keeper = Ends(leases, orders)
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _work(task, link, keeper, light), task.is_verbose)


def _work(task: RunTask, link: Link, keeper: Ends, light: Connection | None) -> None:
    config = resolve(parse(task.config_toml, task.config_name), task.config_name)
    if task.seed >= 0:
        config = config.with_seed(task.seed)
    with hold_stand(config):
        _session(task, config, link, keeper, light)


def _session(
    task: RunTask, config: RunConfig, link: Link, keeper: Ends, light: Connection | None
) -> None:
    clock = _clock(config, link.stop)
    microscope = build_microscope(config, light, clock.now_s)
    if config.loop.mode == "stream" and isinstance(config.scope, SimulatedScopeConfig):
        microscope.core.setProperty(microscope.camera.label, "RealTime", "On")
    session = Session(task, config, microscope, clock, KeeperLink(keeper), link)
    try:
        note_run(config, task)
        session.run()
    finally:
        session.close()


def _clock(config: RunConfig, stop: threading.Event) -> Clock:
    if config.loop.clock == "simulated":
        return SimulatedClock(stop, config.loop.pace_s)
    return HostClock(stop)
