"""Places in a shot at which the scope can be made to die, as by `kill -9`, to the very instruction.

A kill from outside falls where it falls; most of a shot is waiting. These are the moments between:
the keeper knows of a lease and the shutter has not moved; it has moved, and nobody was told.
"""

from __future__ import annotations

import os
import time
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from lightloop.bench.posix import KILL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEATH = "death.txt"
"""When the scope died, host clock ns."""


class Place(NamedTuple):
    """A call of the guard: its module, class and method; die before it or after it, and when.

    `is_opening` says of a call that moves the shutter, which way.
    """

    owner: str
    method: str
    is_before: bool
    is_opening: bool | None = None


_LINK, _PORT, _CAMERA = (
    "acquire.keeper.link:KeeperLink",
    "acquire.light.port:LightPort",
    "acquire.camera:Camera",
)
PLACES = {
    "before the keeper is told": Place(_LINK, "announce", is_before=True),
    "told, not yet confirmed": Place(_LINK, "announce", is_before=False),
    "confirmed, still dark": Place(_LINK, "confirm", is_before=False),
    "about to open": Place(_PORT, "set_open", is_before=True, is_opening=True),
    "just opened": Place(_PORT, "set_open", is_before=False, is_opening=True),
    "the camera has begun": Place(_CAMERA, "start", is_before=False),
    "about to close": Place(_PORT, "set_open", is_before=True, is_opening=False),
    "just closed": Place(_PORT, "set_open", is_before=False, is_opening=False),
    "the keeper is told that it is dark": Place(_LINK, "close", is_before=False),
}


def lay(folder: Path) -> Callable[[str], None]:
    """Put all of them in place, asleep; return what wakes one by its name."""
    awake: set[str] = set()
    for name, place in PLACES.items():
        module, _, kind = place.owner.partition(":")
        _lay(getattr(import_module(module), kind), name, place, awake, folder / DEATH)

    def wake(name: str) -> None:
        if name not in PLACES:
            raise KeyError(f"no such place: {name}; there are {', '.join(PLACES)}")
        awake.add(name)

    return wake


def _lay(kind: type, name: str, place: Place, awake: set[str], note: Path) -> None:
    call: Callable[..., Any] = getattr(kind, place.method)

    def step(args: tuple[Any, ...]) -> None:
        is_way = place.is_opening is None or (len(args) > 1 and args[1] is place.is_opening)
        if name in awake and is_way:
            note.write_text(str(time.perf_counter_ns()), "ascii")
            os.kill(os.getpid(), KILL)

    @wraps(call)
    def mined(self: object, *args: Any, **more: Any) -> Any:
        if place.is_before:
            step(args)
        answer = call(self, *args, **more)
        if not place.is_before:
            step(args)
        return answer

    setattr(kind, place.method, mined)
