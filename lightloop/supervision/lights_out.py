"""The supervisor's last care: that the light is off, whoever of scope and keeper has failed."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import psutil

from acquire.errors import ScopeError
from acquire.keeper.pulse import Pulse
from lightloop.config import parse
from lightloop.processes.keeper import OWNER_S
from lightloop.supervision.driver_time import first_try_s, last_try_s
from lightloop.supervision.keeper_watch import KeeperWatch
from lightloop.supervision.stand_ins import BEGIN_S, OTHERS, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from typing import Any

    from lightloop.supervision.children import Child, Family
    from lightloop.supervision.outcome import Verdict

logger = logging.getLogger(__name__)

KEEPER_S = 40.0  # longer than the keeper itself goes on trying
HEAR_S = 0.1  # for a scope to hear that its keeper is gone, and to say that it is dark; proposed
TICK_S = 0.2


class LightsOut:
    """Lets the keeper end in the dark, and does its work where it cannot.

    Parameters
    ----------
    family
        The processes of the run.
    verdict
        Takes what is found.
    drain
        Hears what a child still has to say.

    Attributes
    ----------
    light
        The supervisor's own pipe to the simulated light box; None where there is none.
    pulse
        What the keeper of the run promises.
    """

    def __init__(self, family: Family, verdict: Verdict, drain: Callable[[Child], None]) -> None:
        self._family, self._verdict, self._drain = family, verdict, drain
        self.light: Connection | None = None
        self.pulse = Pulse()
        self._watches = {"keeper": KeeperWatch(self.pulse)}
        self._config = parse(family.task.config_toml, family.task.config_name)
        self._try_s = first_try_s(self._config)  # now: in a hurry no file is waited for
        self._has_looked = self._are_replaced = False
        self._given_up: set[str] = set()
        self._until_s = 0.0

    def wait(self, handles: Iterable[Any], timeout_s: float) -> list[Any]:
        """Wait as `multiprocessing.connection.wait` does; a keeper that hangs meanwhile is seen."""
        handles, until_s = list(handles), time.monotonic() + timeout_s
        while True:
            look_s = self._attend()
            left_s = until_s - time.monotonic()
            ready = wait(handles, max(0.0, min(left_s, look_s)))
            if ready or left_s <= 0:
                return ready

    def wait_for(self, child: Child, timeout_s: float) -> None:
        """Wait until a process has ended, at most so long."""
        if child.is_alive:
            self.wait([child.process.sentinel], timeout_s)

    def take_over(self) -> None:
        """See that a keeper acts, now that its owner is gone: woken, or others in its place."""
        self._wake_the_keeper()
        keeper = self._family.children.get("keeper")
        if keeper is not None and not keeper.is_alive and not keeper.has_finished:
            self._replace()
        elif keeper is not None:
            self._watches["keeper"].expect_in(OWNER_S if keeper.is_ready else BEGIN_S)

    def wait_for_the_keeper(self, *, was_lit: bool) -> None:
        """Let the keeper end; where it stands still for good, others do its work.

        Parameters
        ----------
        was_lit
            Whether the run may have given light, so that somebody must have seen the dark.
        """
        patience_s = max(KEEPER_S, OWNER_S + 2 * self._try_s)
        patience_s += BEGIN_S * (not self._family.children["keeper"].is_ready)
        self._until_s = max(self._until_s, time.monotonic() + patience_s)
        while alive := [
            keeper
            for keeper in self._keepers()
            if keeper.is_alive and keeper.name not in self._given_up
        ]:
            if time.monotonic() > self._until_s:
                self._are_late(alive)
                break
            self.wait([keeper.process.sentinel for keeper in alive], TICK_S)
        for keeper in self._family.children.values():
            if keeper.name == "keeper" or keeper.name.startswith(OTHERS):
                self._drain(keeper)
                keeper.end(0.0)
        summary = self._verdict.summary
        is_seen = all(keeper.has_finished for keeper in self._keepers())
        is_seen = is_seen or (summary is not None and summary.is_dark)
        if was_lit and not (is_seen or self._has_looked or self.light is not None):
            self._verdict.blame("the keeper ended without a word")
            self._verdict.may_be_lit = True

    def wait_no_more(self, *, was_lit: bool) -> None:
        """Leave nobody behind where the end itself has failed: those who can go dark have time."""
        children = self._family.children.values()
        for child in children:
            if not child.name.startswith("keeper"):
                child.kill()
        for child in children:
            child.end(KEEPER_S)
        summary = self._verdict.summary
        if was_lit and not (summary is not None and summary.is_dark):
            self._verdict.may_be_lit = True

    def look(self) -> None:
        """Ask the simulated light box itself, after everybody else has spoken."""
        from acquire.simulated.light.light_box import LightBoxClient, LightBoxGone

        light, self.light = self.light, None
        if light is None:
            return
        self._has_looked = True
        verdict = self._verdict
        try:
            box = LightBoxClient(light)
            if not box.state().is_dark:
                verdict.may_be_lit = not box.dark().is_dark
                what = "and obeys nobody" if verdict.may_be_lit else "and was switched off by us"
                self._add(f"THE LIGHT WAS STILL ON after the run, {what}")
        except LightBoxGone as error:
            logger.debug("the light has gone with its process: %s", error)
        except ScopeError as error:
            verdict.problem = f"the light box does not answer ({error}); {verdict.problem}"
            verdict.may_be_lit = True
        light.close()

    def _keepers(self) -> list[Child]:
        """Return those who have to see the dark: the keeper, or all that stand in its place."""
        children = self._family.children
        others = [child for name, child in children.items() if name.startswith(OTHERS)]
        return others or [children["keeper"]]

    def _attend(self) -> float:
        """Do something about keepers that hang; return when to look again, s."""
        soonest_s = math.inf
        for name, watch in list(self._watches.items()):
            keeper = self._family.children.get(name)
            if keeper is None or keeper.has_finished or not keeper.is_alive:
                continue
            if name in self._given_up:
                continue
            soonest_s = min(soonest_s, watch.look())
            if watch.hangs:
                self._do_without(keeper)
        return soonest_s

    def _do_without(self, keeper: Child) -> None:
        """End the light without a keeper: it broke its promise, and its owner may hang as well."""
        self._given_up.add(keeper.name)
        keeper.kill()  # it holds the ports; and an owner that hears goes dark by itself
        if keeper.name != "keeper":
            self._are_late([keeper])
            return
        self._verdict.blame("the keeper hung, and was killed: it did not act in time")
        scope = self._family.children.get("scope")
        if scope is not None and scope.is_alive:
            self._hear_of_dark(scope)
            if scope.is_dark:
                return  # it ends in order; others will look after the light when it has
            scope.kill()
        logger.critical("the keeper hung: it was killed with the scope, and others go dark now")
        self._replace()

    def _hear_of_dark(self, scope: Child) -> None:
        """Wait a moment for the scope's word that it is dark by itself, now without a keeper."""
        until_s = time.monotonic() + HEAR_S
        while not scope.is_dark and (left_s := until_s - time.monotonic()) > 0:
            if wait([scope.pipe], left_s) and scope.is_alive:
                self._drain(scope)

    def _are_late(self, keepers: list[Child]) -> None:
        """Give up those who hang in a driver: no program can do more than they did."""
        for keeper in keepers:
            keeper.kill()
            light = keeper.name.removeprefix(OTHERS)
            which = "its light" if keeper.name == "keeper" else f"light {light!r}"
            self._give_up(f"the driver of {which} hangs: switch it off by hand")

    def _give_up(self, what: str) -> None:
        self._verdict.may_be_lit = True
        self._add(what)

    def _add(self, what: str) -> None:
        self._verdict.problem = "; ".join(filter(None, (self._verdict.problem, what)))

    def _wake_the_keeper(self) -> None:
        """Let a keeper go on that somebody stopped, a debugger or a signal: its owner is gone."""
        keeper = self._family.children.get("keeper")
        if keeper is not None and keeper.is_alive:
            with contextlib.suppress(psutil.Error):  # it has just ended
                psutil.Process(keeper.process.pid).resume()

    def _replace(self) -> None:
        """Put others in the keeper's place: they find its owner gone, and go dark.

        One for each light, so that a light whose driver hangs or crashes keeps no other on.
        """
        if self._are_replaced:
            return
        self._are_replaced = True
        if self.light is not None:  # a simulated light is reached from here, and cannot wait
            self.look()
            return
        self._family.children["keeper"].pipe.close()
        scope = self._family.children.get("scope")
        try_s = last_try_s(self._try_s, scope.start_s if scope is not None else 0.0)
        self._until_s = time.monotonic() + BEGIN_S + max(KEEPER_S, try_s + TICK_S)
        for light in self._config.light:
            try:
                self._watches[OTHERS + light.name] = stand_in(self._family, light.name, try_s)
            except Exception as error:  # no memory, files or processes left; the others are due
                why = f"nobody can be started to switch light {light.name!r} off ({error})"
                self._give_up(f"{why}: switch it off by hand")
