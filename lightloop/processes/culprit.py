"""An owner of the light that fails on purpose: it shines when told to, and hangs when told to.

For `lightloop rehearse`: somebody has to be the one whom the keeper ends. It has the light devices
alone, a guard, a keeper over it, and no camera; another process looks.
"""

from __future__ import annotations

import ctypes
import sys
import time
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec
import numpy as np

from acquire.camera import Image
from acquire.dose import Ledger
from acquire.keeper.link import KeeperLink
from acquire.keeper.pipes import Ends
from acquire.light.guard import LightGuard
from acquire.light.own_core import load_lights
from acquire.light.port import LightPort
from acquire.settings import ChannelSettings, Request, Settings
from lightloop.build.microscope import load_core
from lightloop.config import MicroManagerConfig, parse
from lightloop.processes.link import Link, run_child
from lightloop.task import RunTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from acquire.core import Core
    from lightloop.config import RunConfig

HANG_S = 600.0  # much longer than any keeper waits


class Shine(msgspec.Struct, frozen=True, tag="shine"):
    """Light up for at most so long; then stay dark, or hang in the light for the keeper to end."""

    channel: str
    power_fraction: float
    exposure_ms: float
    n_frames: int
    hangs: bool = False


class Off(msgspec.Struct, frozen=True, tag="off"):
    """End the exposure, as every exposure ends: its switch closes, its power stays set."""


class AllOff(msgspec.Struct, frozen=True, tag="all_off"):
    """Take shutter and power from every light, as a run does at its end."""


class Lit(msgspec.Struct, frozen=True, tag="lit"):
    """The light was opened: when it was told to, read back, and when the keeper would act, ns."""

    told_ns: int
    read_ns: int
    deadline_ns: int
    clamped: str = ""


class IsDark(msgspec.Struct, frozen=True, tag="dark"):
    """The light was closed: when it was told to, and read back, ns; what is booked so far."""

    told_ns: int
    read_ns: int
    is_dark: bool
    dose: float


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The guard gave no light, or a device did not obey."""

    why: str


Order: TypeAlias = Shine | Off | AllOff
Answer: TypeAlias = Lit | IsDark | Refused
LitOrDark = TypeVar("LitOrDark", Lit, IsDark)
ENCODER = msgspec.msgpack.Encoder()
ORDERS: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def hang(seconds: float = HANG_S) -> None:
    """Hang as badly as a process can: in C, with the interpreter's lock held, deaf to everything.

    `PyDLL` does not let go of the lock while the function runs, as a broken driver may not.
    """
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(int(seconds * 1e3))
    else:
        ctypes.PyDLL(None).sleep(int(seconds))


class NoCamera:
    """Stands where a guard wants a camera: somebody else looks. Its frames are empty."""

    def set_exposure(self, exposure_ms: float) -> float:
        """Agree."""
        return exposure_ms

    def can_step(self, n_frames: int) -> bool:
        """Do no such thing."""
        return False

    def step_exposures(self, exposures_ms: Sequence[float]) -> None:
        """Do nothing."""

    def start(self, n_frames: int) -> None:
        """Do nothing."""

    def try_pop(self) -> Image | None:
        """Return a frame without pixels."""
        return Image(np.zeros((0, 0), np.uint16), -1, time.perf_counter_ns())

    def n_waiting(self) -> int:
        """Have one at any time."""
        return 1

    def is_overrun(self) -> bool:
        """Lose nothing."""
        return False

    def is_running(self) -> bool:
        """Never run."""
        return False

    def stop(self) -> None:
        """Do nothing."""


def main(
    task_json: bytes,
    supervisor: Connection,
    leases: Connection,
    orders: Connection,
    light: Connection | None,
    person: Connection,
) -> None:
    """Entry of the process: pipes to parent, keeper, and simulated light, and for orders."""
    task = msgspec.json.decode(task_json, type=RunTask)
    ends = Ends(leases, orders)
    run_child(supervisor, lambda link: _own(task, link, ends, light, person), task.is_verbose)


def _own(
    task: RunTask, link: Link, ends: Ends, light: Connection | None, person: Connection
) -> None:
    config = parse(task.config_toml, task.config_name)
    keeper = KeeperLink(ends)
    guard, ledger = _guard(config, _core(config, light), keeper)
    keeper.obey(guard.go_dark)
    link.ready()
    try:
        while True:
            order = ORDERS.decode(person.recv_bytes())
            answer: Answer
            try:
                if isinstance(order, Shine):
                    answer = _shine(order, guard, ledger, person)
                else:
                    told_ns = time.perf_counter_ns()
                    is_dark = guard.all_dark()
                    answer = IsDark(told_ns, time.perf_counter_ns(), is_dark, _dose(ledger))
            except Exception as error:  # whatever it is, the parent says it; the light is off
                answer = Refused(f"{type(error).__name__}: {error}")
            person.send_bytes(ENCODER.encode(answer))
    except (EOFError, OSError):
        guard.all_dark()  # the parent has gone
    keeper.end()
    link.finished()


def _shine(order: Shine, guard: LightGuard, ledger: Ledger, person: Connection) -> IsDark:
    settings = ChannelSettings(order.channel, order.exposure_ms, order.power_fraction)
    request = Request(Settings((settings,)), -1)
    with guard.expose(request, order.channel, order.n_frames, 0) as lease:
        lit = Lit(lease.lit_ns, lease.ready_ns, lease.deadline_ns, lease.applied.clamped)
        person.send_bytes(ENCODER.encode(lit))
        if order.hangs:
            hang()
        person.poll(max(0.0, (lease.patience_ns - time.perf_counter_ns()) * 1e-9))
        lease.start()
        for _ in range(order.n_frames):
            lease.pop()  # all is as it should be: the light is closed as after any exposure
        told_ns = time.perf_counter_ns()
    if person.poll():
        person.recv_bytes()  # the order to end it
    return IsDark(told_ns, lease.dark_ns, True, _dose(ledger))


def _core(config: RunConfig, light: Connection | None) -> Core:
    if isinstance(config.scope, MicroManagerConfig):
        return load_lights(config.scope.system, config.light)
    from acquire.simulated import LightBoxClient

    assert light is not None, "a simulated scope has a light box"
    return load_core(config, LightBoxClient(light), lambda: 0.0)


def _guard(config: RunConfig, core: Core, keeper: KeeperLink) -> tuple[LightGuard, Ledger]:
    """Make the guard; its light is booked from open to closed, whoever triggers the camera."""
    lights = {
        light.name: light.model_copy(update={"gate": "software"})
        for light in config.light
        if light.is_switchable
    }
    ledger = Ledger({light.name: light.limits.budget_j_cm2 for light in config.light})
    guard = LightGuard(
        LightPort(core, lights.values()),
        NoCamera(),
        keeper,
        ledger,
        {c.name: lights[c.light] for c in config.channel if c.light in lights},
        {light.name: light.limits.limits() for light in config.light},
        config.guard,
    )
    return guard, ledger


def _dose(ledger: Ledger) -> float:
    return sum(ledger.totals().values())
