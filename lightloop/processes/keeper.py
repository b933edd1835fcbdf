"""The keeper: it does nothing but turn the light off when the scope cannot."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec
import psutil

from acquire.keeper.keep import TRY_S, keep
from acquire.keeper.pipes import Ends
from acquire.keeper.pulse import Pulse
from lightloop.build.microscope import build_dark
from lightloop.config import parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from acquire.keeper.keep import KeeperReport
    from lightloop.config import RunConfig


logger = logging.getLogger(__name__)

ALL = ""  # every light, and not one by its name
OWNER_S = 5.0  # an owner that ends in good order has left the light dark; proposed
KILLED_S = 1.0
LOOK_S = 1e-3
LOOKED_S = 1.0  # a look at the owner that takes longer than it should by this, hangs; proposed


def main(
    task_json: bytes,
    supervisor: Connection,
    leases: Connection,
    orders: Connection,
    light: Connection | None,
    owner_pid: int,
    owner_s: float = OWNER_S,
    pulse: Pulse | None = None,
    only: str = ALL,
    try_s: float = TRY_S,
) -> None:
    """Entry of the process: pipes to the supervisor, the scope and the simulated light box.

    Parameters
    ----------
    owner_s
        How long the owner of the light may take to end, s: until then it holds the ports.
    pulse
        Where the supervisor reads what this keeper has promised; None: nobody does.
    only
        Name of the one light to care for; empty: all of them.
    try_s
        How long one try to switch the light off may take, s, before the supervisor steps in.
    """
    task = msgspec.json.decode(task_json, type=RunTask)
    ends, pulse, owner = Ends(leases, orders), pulse or Pulse(), Owner(owner_pid)

    def watch(link: Link) -> None:
        config = _lights(parse(task.config_toml, task.config_name, reads_plan=False), only)

        def wait() -> None:
            pulse.promise_in(owner_s + LOOKED_S)
            owner.wait_for_end(owner_s)
            pulse.promise_in(try_s)

        go_dark = build_dark(config, light, wait)
        link.ready()
        report = keep(
            ends,
            go_dark,
            owner.kill,
            is_way_free=light is not None,
            promise=pulse.promise,
            try_s=try_s,
        )
        _tell(link, report, only)

    run_child(supervisor, watch, task.is_verbose)


def _lights(config: RunConfig, only: str) -> RunConfig:
    """Return a config with the one light that a keeper cares for; without a name, with all."""
    lights = tuple(light for light in config.light if only in (ALL, light.name))
    return config.model_copy(update={"light": lights})


def _tell(link: Link, report: KeeperReport, only: str) -> None:
    if report.is_dark:
        link.finished()
    else:
        light = f"light {only!r}" if only else "the light"
        what = f"DARK NOT CONFIRMED, {light} may be ON: {report.why}; switch it off by hand"
        link.failed(what, may_be_lit=True)


class Owner:
    """Who holds the ports of the lights, by its number and its birth: a number has others after it.

    Parameters
    ----------
    pid
        Of a process that lives, so that whoever gets its number later is taken for nobody.
    """

    def __init__(self, pid: int) -> None:
        self._process: psutil.Process | None = None
        with contextlib.suppress(psutil.NoSuchProcess, ValueError):  # gone, or there never was one
            self._process = psutil.Process(pid)

    def kill(self) -> None:
        """Kill the owner of the light, so that its ports are free."""
        if self._process is None:
            return
        try:
            self._process.kill()
        except psutil.NoSuchProcess:
            return  # gone already
        except psutil.AccessDenied as error:  # Windows, of one that is about to end
            logger.warning("the owner of the light cannot be killed: %s", error)
        self.wait_for_end(KILLED_S)

    def wait_for_end(self, patience_s: float = OWNER_S) -> None:
        """Wait for the owner's end: it holds the ports of the lights until then.

        A process that nobody has buried yet is dead for all that matters here: its files are
        closed.
        """
        owner, until_s = self._process, time.monotonic() + patience_s
        with contextlib.suppress(psutil.NoSuchProcess):  # gone
            while owner is not None and time.monotonic() < until_s:  # the light cannot wait longer
                if not owner.is_running() or _is_unburied(owner):
                    return
                time.sleep(LOOK_S)


def _is_unburied(owner: psutil.Process) -> bool:
    try:
        return bool(owner.status() == psutil.STATUS_ZOMBIE)
    except psutil.AccessDenied:  # Windows does not always tell; nobody is unburied there
        return False
