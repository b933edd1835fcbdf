"""What is done from outside to the processes of a run, to its time, its sockets and its cells."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import zmq

from lightloop.bench.faults_deeds import order
from lightloop.bench.faults_stand import StandFailed
from lightloop.bench.posix import CONT, STOP
from realtime.stream.address import show_token

if TYPE_CHECKING:
    from lightloop.bench.faults_stand import Stand

DISK_LEFT = 20_000  # bytes
FLOOD_S = 1.0

# ---------------------------------------------------------------- processes


def kill_scope(stand: Stand) -> None:
    """Kill the scope while its light is on."""
    _kill_lit(stand, "scope")


def hang_scope(stand: Stand) -> None:
    """Stop the scope for ever while its light is on."""
    stand.catch_lit("scope")
    stand.strike()


def hang_scope_and_keeper(stand: Stand) -> None:
    """Stop the scope and its keeper for ever while there is light."""
    stand.catch_lit("scope")
    stand.signal("keeper", STOP)
    stand.strike()


def kill_keeper(stand: Stand) -> None:
    """Kill the keeper while there is light."""
    _kill_lit(stand, "keeper")


def kill_scope_of_a_sleeper(stand: Stand) -> None:
    """Stop the keeper, and kill the scope while its light is on."""
    stand.catch_lit("scope")
    stand.signal("keeper", STOP)
    stand.strike()
    stand.kill("scope")


def kill_scope_and_keeper(stand: Stand) -> None:
    """Kill the scope and its keeper at once, while there is light."""
    stand.catch_lit("scope")
    stand.strike()
    stand.kill("keeper")
    stand.kill("scope")


def kill_supervisor(stand: Stand) -> None:
    """Kill the command itself while there is light."""
    _kill_lit(stand, "supervisor")


def kill_recorder(stand: Stand) -> None:
    """Kill the recorder."""
    stand.strike()
    stand.kill("recorder")
    stand.death_ns = 0  # it owns no light


def kill_window(stand: Stand) -> None:
    """Kill the window."""
    stand.strike()
    stand.kill("window")
    stand.death_ns = 0


def fill_disk(stand: Stand) -> None:
    """Let the disk of the run file be full."""
    if sys.platform != "linux":
        raise StandFailed("only Linux limits the files of another process: this fault is for it")
    import resource

    most = (stand.folder / "run.h5").stat().st_size + DISK_LEFT
    stand.strike()
    resource.prlimit(stand.pids["recorder"], resource.RLIMIT_FSIZE, (most, most))


# ---------------------------------------------------------------- time and sockets


def clock_jumps(stand: Stand) -> None:
    """Let the calendar jump by an hour, and say go on when the light is out."""
    assert stand.address is not None
    stand.strike()
    stand.say("scope", "jump", 3600.0)
    stand.wait_for_dark()
    order(stand.address, "resume")


def flood_sockets(stand: Stand) -> None:
    """Send nonsense to every socket of the session for a second, as fast as it goes."""
    address = stand.address
    assert address is not None
    context = zmq.Context()
    sockets = []
    for endpoint in (address.stream, address.work, address.control):
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        show_token(socket, address)
        socket.connect(endpoint)
        sockets.append(socket)
    stand.strike()
    until_s = time.perf_counter() + FLOOD_S
    while time.perf_counter() < until_s:
        for socket in sockets:
            try:
                socket.send(b"\xc1 nonsense" * 100, zmq.NOBLOCK)
            except zmq.Again:  # it is full already
                continue
    context.destroy(linger=0)


# ---------------------------------------------------------------- specimen


def empty_field(stand: Stand) -> None:
    """Push the stage to where no cells are."""
    stand.strike()
    stand.say("scope", "push", "x_um", 2_000.0)


def defocus(stand: Stand) -> None:
    """Push the focus by 5 um."""
    stand.strike()
    stand.say("scope", "push", "z_um", 5.0)


def kill_cells(stand: Stand) -> None:
    """Let all cells die."""
    stand.strike()
    stand.say("scope", "kill cells")


def _kill_lit(stand: Stand, who: str) -> None:
    stand.catch_lit("scope")
    stand.strike()
    stand.kill(who)
    if who != "scope":
        stand.signal("scope", CONT)
