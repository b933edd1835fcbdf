"""All checks, in the order of their lines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lightloop.doctor import machine, microscope, networks, screen, software, streams
from lightloop.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

CHECKS: dict[str, Callable[[], Finding]] = {
    "python": software.python,
    "names": software.names,
    "qt": screen.binding,
    "window": screen.platform,
    "paint": screen.paint,
    "micro-manager": microscope.interface,
    "demo snap": microscope.snap,
    "openvino": networks.openvino,
    "engines": networks.engines,
    "network": networks.shipped,
    "messages": streams.messages,
    "shared memory": streams.shared_memory,
    "disk": machine.disk,
    "processor": machine.processor,
    "memory": machine.memory,
    "clock": machine.clock,
}


def examine(config: Path | None = None) -> Iterator[Finding]:
    """Yield one finding for each check, as it is made."""
    for name, check in CHECKS.items():
        yield _guarded(name, check)
    if config is not None:
        yield _guarded("config", lambda: microscope.config(config))
        yield _guarded("rehearsal", lambda: microscope.rehearsal(config))


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    """Make a check; one that breaks is a finding too."""
    try:
        return check()
    except Exception as error:  # whatever is wrong with the machine, the other lines are due
        logger.debug("check %s", name, exc_info=True)
        return Finding("fail", name, f"{type(error).__name__}: {error}", "this check itself broke")
