"""The supervisor's last care: that the light is off, whoever of scope and keeper has failed."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import psutil

from acquire.errors import ScopeError
from acquire.keeper.pipes import make_pipes

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from lightloop.children import Child, Family
    from lightloop.outcome import Verdict

logger = logging.getLogger(__name__)

KEEPER_S = 40.0  # longer than the keeper itself goes on trying
NOBODY = 2**22 + 1  # above every process number of Linux: a keeper without an owner to kill


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
    """

    def __init__(self, family: Family, verdict: Verdict, drain: Callable[[Child], None]) -> None:
        self._family, self._verdict, self._drain = family, verdict, drain
        self.light: Connection | None = None
        self._has_looked = False

    def take_over(self) -> None:
        """See that a keeper acts, now that its owner is gone: woken, or another one."""
        self._wake_the_keeper()
        self._replace_a_dead_keeper()

    def wait_for_the_keeper(self, *, was_lit: bool) -> None:
        """Let the keeper end; where it stands still for good, another one does its work.

        Parameters
        ----------
        was_lit
            Whether the run may have given light, so that somebody must have seen the dark.
        """
        keeper = self._family.children["keeper"]
        keeper.process.join(KEEPER_S)
        self._drain(keeper)
        if keeper.is_alive and not keeper.has_finished:
            keeper.process.kill()
            keeper.process.join()
            self._replace_a_dead_keeper()
            keeper = self._family.children["keeper"]
            keeper.process.join(KEEPER_S)
            self._drain(keeper)
        summary = self._verdict.summary
        is_seen = keeper.has_finished or (summary is not None and summary.is_dark)
        if was_lit and not (is_seen or self._has_looked or self.light is not None):
            self._verdict.blame("the keeper ended without a word")
            self._verdict.may_be_lit = True
        keeper.end(0.0)

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
                verdict.problem = f"THE LIGHT IS ON after the run; {verdict.problem}"
                verdict.may_be_lit = not box.dark().is_dark
        except LightBoxGone as error:
            logger.debug("the light has gone with its process: %s", error)
        except ScopeError as error:
            verdict.problem = f"the light box does not answer ({error}); {verdict.problem}"
            verdict.may_be_lit = True
        light.close()

    def _wake_the_keeper(self) -> None:
        """Let a keeper go on that somebody stopped, a debugger or a signal: its owner is gone."""
        keeper = self._family.children.get("keeper")
        if keeper is not None and keeper.is_alive:
            with contextlib.suppress(psutil.Error):  # it has just ended
                psutil.Process(keeper.process.pid).resume()

    def _replace_a_dead_keeper(self) -> None:
        """Start another keeper where the first has died: it finds its owner gone, and goes dark."""
        keeper = self._family.children.get("keeper")
        if keeper is None or keeper.is_alive or keeper.has_finished:
            return
        if self.light is not None:  # a simulated light is reached from here, and cannot wait
            self.look()
            return
        keeper.pipe.close()
        ours, theirs = make_pipes()
        ours.close()
        self._family.start("keeper", theirs.leases, theirs.orders, None, NOBODY)
