"""The keeper, who turns the light off if its owner cannot: its watch, and the pipes to it."""

from __future__ import annotations

from acquire.keeper.keep import KeeperReport, keep
from acquire.keeper.link import KeeperLink, NoKeeper
from acquire.keeper.pipes import Ends, make_pipes
from acquire.keeper.pulse import Pulse

__all__ = ["Ends", "KeeperLink", "KeeperReport", "NoKeeper", "Pulse", "keep", "make_pipes"]
