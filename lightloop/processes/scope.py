"""The scope: the microscope, the guard of its light, the loop, and the hub that tells everybody."""

from __future__ import annotations

import gc
import importlib.metadata
import logging
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from acquire.camera import Camera
from acquire.clock import HostClock, SimulatedClock
from acquire.dose import Ledger
from acquire.errors import ScopeError
from acquire.keeper import KeeperLink
from acquire.light import LightGuard
from acquire.light_port import LightPort
from acquire.loop import run
from acquire.plan import plan_shots
from acquire.scope import Scope
from lightloop.build import Microscope, build_microscope
from lightloop.config import parse
from lightloop.feedback import Feedback
from lightloop.processes.link import Link, run_child
from lightloop.summary import Summary, Tally
from lightloop.task import RunTask
from realtime.address import local_address
from realtime.hub import Hub
from realtime.ring import Ring
from realtime.wire import AppliedMessage, ClockPair, End, Notice, Reply, Start

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from acquire.clock import Clock
    from acquire.frame import Frame
    from lightloop.config import RunConfig

logger = logging.getLogger(__name__)

CLOCK_EVERY_S = 10.0
LISTENERS = {"worker", "recorder"}


def main(
    task_json: bytes, supervisor: Connection, keeper: Connection, light: Connection | None
) -> None:
    """Entry of the process: pipes to the supervisor, the keeper and the simulated light box."""
    task = msgspec.json.decode(task_json, type=RunTask)
    run_child(supervisor, lambda link: _work(task, link, keeper, light), task.is_verbose)


def _work(task: RunTask, link: Link, keeper: Connection, light: Connection | None) -> None:
    config = parse(task.config_toml, task.config_name)
    if task.seed >= 0:
        config = with_seed(config, task.seed)
    clock = _clock(config, link.stop)
    microscope = build_microscope(config, light, clock.now_s)
    session = Session(task, config, microscope, clock, KeeperLink(keeper), link)
    try:
        session.run()
    finally:
        session.close()


def with_seed(config: RunConfig, seed: int) -> RunConfig:
    """Return the config with another seed of the simulated specimen."""
    if config.scope.kind != "simulated":
        return config
    return config.model_copy(update={"scope": config.scope.model_copy(update={"seed": seed})})


def _clock(config: RunConfig, stop: threading.Event) -> Clock:
    if config.loop.clock == "simulated":
        return SimulatedClock(stop, config.loop.pace_s)
    return HostClock(stop)


class Session:
    """One run of a microscope: its light, its stream, and what becomes of them."""

    def __init__(
        self,
        task: RunTask,
        config: RunConfig,
        microscope: Microscope,
        clock: Clock,
        keeper: KeeperLink,
        link: Link,
    ) -> None:
        self._task, self._config, self._clock, self._link = task, config, clock, link
        self._tally = Tally()
        self._reference = Reference(config)
        core = microscope.core
        sources = {source.name: source for source in config.light}
        self._ledger = Ledger({s.name: s.limits.budget_j_cm2 for s in config.light})
        self._guard = LightGuard(
            LightPort(core, config.light),
            Camera(core),
            keeper,
            self._ledger,
            {c.name: sources[c.light] for c in config.channel},
            {s.name: s.limits.limits() for s in config.light},
            config.guard,
        )
        self._scope = Scope(core, config.channel, config.light)
        camera = microscope.camera
        self._ring = Ring.create(
            f"ll_{uuid.uuid4().hex[:12]}_f",
            config.loop.ring_frames,
            2 * camera.height * camera.width,
        )
        self._hub = Hub(
            local_address(Path(task.folder)), self._start(microscope), self._ring, self._obey
        )
        self._feedback = Feedback(
            self._hub,
            config.first_settings(),
            config.loop.deadline_ms * 1e-3,
            link.stop,
            self._tally,
        )

    def run(self) -> None:
        """Wait for everybody, run the loop, and say how it ended."""
        self._link.ready(self._hub.address, self._ring.info.name)
        self._link.wait_for_go()
        if not self._hub.wait_for(LISTENERS, READY_S, self._link.check):
            raise ScopeError(f"worker and recorder did not come within {READY_S:.0f} s")
