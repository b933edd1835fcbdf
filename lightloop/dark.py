"""Everything off, by hand: the keeper's own way to the light, at a person's wish."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from acquire.errors import ScopeError, SettingRefused
from acquire.light.own_core import load_lights
from acquire.light.port import LightPort
from lightloop.config import MicroManagerConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from acquire.core import Core
    from acquire.light.ports import Lights
    from acquire.light.source import LightSource
    from lightloop.config import RunConfig

logger = logging.getLogger(__name__)


class Darkened(NamedTuple):
    """What became of one light: whether it is dark, and how far that can be believed."""

    light: str
    is_dark: bool
    text: str


def switch_off(config: RunConfig, load: Callable[..., Core] = load_lights) -> tuple[Darkened, ...]:
    """Switch off every declared light, one after the other, whichever fails.

    Only the light devices are loaded: no camera, no stage, and no startup preset. Where they do not
    load together, each is tried by itself.

    Parameters
    ----------
    load
        Loads the light devices of a Micro-Manager configuration file.

    Returns
    -------
    tuple of Darkened
        One for each light; none for a simulated microscope, whose light ends with its run.

    Raises
    ------
    ScopeError
        If the devices cannot be reached at all.
    """
    if not isinstance(config.scope, MicroManagerConfig):
        return ()
    system, sources = config.scope.system, config.light
    core: Core | None = None
    try:
        core = load(system, sources)
        lights = LightPort(core, sources)
    except ScopeError as error:
        if core is not None:  # or it would hold their ports
            _let_go(core)
        found = [_alone(load, system, source) for source in sources]
        if not any(one.is_dark for one in found):
            raise SettingRefused(
                f"DARK NOT CONFIRMED: the lights cannot be reached ({error}). Another program may "
                "hold their ports: switch them off there, or by hand"
            ) from error
        return tuple(found)
    return tuple(_darken(lights, source) for source in sources)


def _alone(load: Callable[..., Core], system: Path | str, source: LightSource) -> Darkened:
    """Switch off one light by a core that has nothing else, and let go of its port again."""
    if not source.is_switchable:
        return _darken(None, source)
    try:
        core = load(system, [source])
    except ScopeError as error:
        return Darkened(source.name, False, f"cannot be reached ({error})")
    try:
        return _darken(LightPort(core, [source]), source)
    except ScopeError as error:  # it is not as declared; the other lights are still due
        return Darkened(source.name, False, f"cannot be switched ({error})")
    finally:
        _let_go(core)


def _let_go(core: Core) -> None:
    """Free the ports; a driver that fails at that keeps no other light on."""
    try:
        core.unloadAllDevices()
    except RuntimeError as error:
        logger.warning("a light device could not be let go of: %s", error)


def _darken(lights: Lights | None, source: LightSource) -> Darkened:
    if lights is None or not source.is_switchable:
        return Darkened(source.name, False, "has no switch: it shines until it is unplugged")
    try:
        is_dark = lights.dark(source)
    except ScopeError as error:
        return Darkened(
            source.name, False, f"did not obey ({error}); another program may hold its port"
        )
    if not is_dark:
        return Darkened(source.name, False, "was told to close and still says that it is on")
    if source.read_back == "cached":
        return Darkened(source.name, True, "as it says; it only repeats what it is told, so look")
    return Darkened(source.name, True, "read back")
