"""Call for help: a light is on, and does not go dark."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from acquire.light.darkness import names
from acquire.say import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquire.light.ports import Keeper
    from acquire.light.source import LightSource

logger = logging.getLogger(__name__)


def call(keeper: Keeper, lit: Iterable[LightSource]) -> None:
    """Call the keeper, and say loudly which lights are still on; nothing that fails here counts."""
    what = "the keeper was called"
    try:
        keeper.alarm()
    except Exception as error:  # whatever it is, the caller must still say that light is on
        what = f"the keeper cannot be called: {error}"
    say(logger, logging.CRITICAL, "%s will not go dark: %s", names(lit), what)
