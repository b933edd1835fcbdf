"""How the scope of a run begins, its keeper and its light; and what a dead process leaves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.keeper.pipes import make_pipes
from acquire.pipe import new_pipe
from acquire.simulated.config import SimulatedScopeConfig
from lightloop.processes.keeper import ALL, OWNER_S
from lightloop.supervision.driver_time import first_try_s
from realtime.ring import remove

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from acquire.keeper.pulse import Pulse
    from lightloop.config import RunConfig
    from lightloop.supervision.children import Family

logger = logging.getLogger(__name__)


def start_scope(family: Family, config: RunConfig, pulse: Pulse) -> Connection | None:
    """Start scope and keeper, tied to each other, and for a simulated scope its light box.

    Parameters
    ----------
    pulse
        Takes what the keeper promises.

    Returns
    -------
    Connection or None
        The supervisor's own pipe to that light box.
    """
    ours_to_light = scope_light = keeper_light = None
    if isinstance(config.scope, SimulatedScopeConfig):
        ours_to_light, box_a = new_pipe()
        scope_light, box_b = new_pipe()
        keeper_light, box_c = new_pipe()
        family.start("light", [box_a, box_b, box_c])
    ours, theirs = make_pipes()
    scope = family.start("scope", ours.leases, ours.orders, scope_light)
    pipes = theirs.leases, theirs.orders, keeper_light, scope.process.pid, OWNER_S, pulse
    family.start("keeper", *pipes, ALL, first_try_s(config))
    return ours_to_light


def sweep(ring: str) -> None:
    """Remove the memory that a dead process left; that it fails must not hide how the run ended."""
    try:
        if remove(ring):
            logger.debug("removed the ring %s that a dead process left", ring)
    except OSError as error:
        logger.warning("shared memory %s is left behind: %s", ring, error)
