"""Keeps the computer awake during a run: one that falls asleep watches over no light.

Asleep, nobody ends a lease: scope, keeper and supervisor stand still together, and a lamp with a
supply of its own goes on shining. So while a light may be on, the system is asked not to sleep by
itself. A lid that is closed, a sleep button and an empty battery are stronger than any program.

References
----------
Windows: `SetThreadExecutionState` (winbase.h); it holds until the thread that asked takes it back,
or ends. macOS: caffeinate(8). Linux: systemd-inhibit(1), and sd_booted(3) for `SYSTEMD`.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightloop.config import MicroManagerConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightloop.config import RunConfig

logger = logging.getLogger(__name__)

ES_CONTINUOUS, ES_SYSTEM_REQUIRED = 0x80000000, 0x00000001
CAFFEINATE = "/usr/bin/caffeinate"
SYSTEMD = Path("/run/systemd/system")  # there if systemd runs; else nothing sends Linux to sleep
ENDED_S = 2.0


def awake_for(config: RunConfig) -> contextlib.AbstractContextManager[None]:
    """Keep the computer awake, as `awake` does, where there is light that is no simulation."""
    if isinstance(config.scope, MicroManagerConfig):
        return awake()
    return contextlib.nullcontext()


@contextlib.contextmanager
def awake(platform: str = sys.platform) -> Iterator[None]:
    """Keep the computer from falling asleep by itself: `with awake():`; say so if it cannot be.

    To be entered and left in one and the same thread.
    """
    with contextlib.ExitStack() as after:
        try:
            after.enter_context(_kept(platform))
        except OSError as error:
            _warn(error)
        yield


def _kept(platform: str) -> contextlib.AbstractContextManager[None]:
    if platform == "win32":
        return _on_windows(ctypes.CDLL("kernel32"))
    if platform == "darwin":
        # It ends with us (-w), however we end.
        return _by_helper([CAFFEINATE, "-i", "-s", "-w", str(os.getpid())])
    inhibit = shutil.which("systemd-inhibit")
    if inhibit is None or not SYSTEMD.is_dir():
        return contextlib.nullcontext()
    what = ["--what=sleep:idle", "--mode=block", "--who=lightloop", "--why=a microscope's light"]
    return _by_helper([inhibit, *what, "cat"])  # cat ends with us: we hold the pipe that it reads


@contextlib.contextmanager
def _on_windows(kernel32: Any) -> Iterator[None]:
    ask = kernel32.SetThreadExecutionState
    ask.argtypes, ask.restype = [ctypes.c_uint32], ctypes.c_uint32
    if not ask(ES_CONTINUOUS | ES_SYSTEM_REQUIRED):  # what held before; 0 is a refusal
        raise OSError("Windows does not take the request to stay awake")
    try:
        yield
    finally:
        ask(ES_CONTINUOUS)


@contextlib.contextmanager
def _by_helper(command: Sequence[str]) -> Iterator[None]:
    """Let another program hold the computer awake until we let go of it, or die."""
    helper = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us alone
    )  # fmt: skip
    over = threading.Event()

    def watch() -> None:
        status = helper.wait()
        if not over.is_set():
            _warn(f"{command[0]} ended with status {status}")

    watcher = threading.Thread(target=watch, name="awake", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        helper.terminate()
        watcher.join(ENDED_S)
        if watcher.is_alive():
            helper.kill()
            watcher.join()
        assert helper.stdin is not None
        helper.stdin.close()


def _warn(why: object) -> None:
    logger.warning(
        "this computer may fall asleep during the run, and nobody would watch over the light: %s; "
        "switch its sleep off in the power settings",
        why,
    )
