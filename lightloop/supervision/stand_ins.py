"""Who goes dark in the keeper's place: a process of its own for each light."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquire.keeper.pipes import make_pipes
from acquire.keeper.pulse import Pulse
from lightloop.processes.keeper import OWNER_S
from lightloop.supervision.children import READY_S
from lightloop.supervision.keeper_watch import KeeperWatch

if TYPE_CHECKING:
    from lightloop.supervision.children import Family

NOBODY = -1  # no process has this number, on no system: a keeper without an owner to kill
BEGIN_S = READY_S  # for a keeper to start: to end it sooner would leave nobody
OTHERS = "keeper of "


def stand_in(family: Family, light: str, try_s: float) -> KeeperWatch:
    """Start a keeper for one light, which finds its owner gone, and return who watches it.

    Raises
    ------
    OSError, MemoryError
        If the system has nothing left to start it with.
    """
    pulse = Pulse()
    pulse.promise_in(BEGIN_S)
    ours, theirs = make_pipes()
    ours.close()
    pipes = theirs.leases, theirs.orders, None, NOBODY, OWNER_S, pulse, light, try_s
    family.start("keeper", *pipes, called=f"{OTHERS}{light}")
    return KeeperWatch(pulse)
