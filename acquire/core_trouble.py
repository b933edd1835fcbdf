"""What Micro-Manager means when it cannot load a configuration, in words that say what to do."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

# "Incompatible device interface version (MMCore requires 75; device adapter has 71)", MMCore 12.5;
# older ones say "(required = 75, found = 71)".
_INTERFACE = re.compile(
    r'adapter "(?P<adapter>[^"]+)".*?interface version\D*(?P<core>\d+)\D+(?P<found>\d+)',
    re.IGNORECASE | re.DOTALL,
)
_PORT_WORDS = ("open", "port", "access", "busy", "in use")
_SERIAL = "SerialManager"  # Micro-Manager's adapter for serial ports; its devices are named so
_LOCKED = frozenset({5, 32})  # Windows: access denied, sharing violation


class Port(NamedTuple):
    """A serial port of a configuration file, and who holds it (empty: nobody that we can see)."""

    name: str
    holder: str


def explained(message: str, lines: str = "") -> str:
    """Return what to do about an error of Micro-Manager's loader; empty if nobody knows.

    Parameters
    ----------
    message
        What Micro-Manager said.
    lines
        The configuration file.
    """
    if (found := _INTERFACE.search(message)) is not None:
        return (
            f"device adapter {found['adapter']!r} speaks device interface {found['found']}, and "
            f"this pymmcore {found['core']}: install the Micro-Manager of the same interface "
            f"(mmcore install), or a pymmcore that ends in .{found['found']}"
        )
    low = message.lower()
    for name in ports_of(lines):
        if name.lower() in low and any(word in low for word in _PORT_WORDS):
            holder = holder_of(name) or "another program (Micro-Manager itself, a terminal?)"
            return f"port {name} does not open: {holder} may hold it; close that, and try again"
    return ""


def ports_of(lines: str) -> tuple[str, ...]:
    """Return the serial ports that a configuration file names."""
    fields = [line.strip().split(",") for line in lines.splitlines()]
    return tuple(
        each[3] for each in fields if len(each) >= 4 and each[:1] + each[2:3] == ["Device", _SERIAL]
    )


def held_ports(lines: str) -> tuple[Port, ...]:
    """Return the ports of a configuration file that another program holds."""
    found = (Port(name, holder_of(name)) for name in ports_of(lines))
    return tuple(port for port in found if port.holder)


def holder_of(name: str) -> str:
    """Say who holds a port; empty if nobody is seen to."""
    if sys.platform == "win32":
        return _holder_on_windows(name)
    return _holder_by_files(name)


def _holder_on_windows(name: str) -> str:
    """Open the port for a moment: Windows lets one program have it at a time."""
    try:
        os.close(os.open(rf"\\.\{name}", os.O_RDWR))
    except OSError as error:
        if getattr(error, "winerror", 0) in _LOCKED or isinstance(error, PermissionError):
            return "another program"
    return ""


def _holder_by_files(name: str, processes: Path = Path("/proc")) -> str:
    """Look through the files that other programs have open, where the system shows them."""
    port = Path(name)
    if not processes.is_dir() or not port.exists():
        return ""
    real = port.resolve()
    for process in processes.iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if any(entry.resolve() == real for entry in (process / "fd").iterdir()):
                said = (process / "comm").read_text("utf-8", errors="replace").strip()
                return f"{said} (process {process.name})"
        except OSError:  # another user's, or gone by now
            continue
    return ""
