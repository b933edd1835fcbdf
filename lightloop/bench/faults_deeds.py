"""What is done to a run from outside, a function for each fault; each says `strike` as it does."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from lightloop.bench.posix import CONT, KILL, STOP
from realtime.client import StreamClient
from realtime.stream.control import ControlClient
from realtime.wire import FrameMessage

if TYPE_CHECKING:
    from lightloop.bench.faults_stand import Stand
    from realtime.stream.address import Address

CAMERA, LASER, XY = "Camera", "Laser488", "XY"
_ON = 1.0

# ---------------------------------------------------------------- a person


def cancel(stand: Stand) -> None:
    """Press Ctrl-C in the middle of an exposure."""
    _while_lit(stand)
    stand.strike()
    stand.end()


def stop_light(stand: Stand) -> None:
    """Press STOP LIGHT."""
    assert stand.address is not None
    stand.strike()
    order(stand.address, "stop_light")


def edit_config(stand: Stand) -> None:
    """Write more light, and nonsense, into the config of the run."""
    stand.strike()
    text = stand.config_path.read_text("utf-8")
    stand.config_path.write_text(text.replace("0.2", "0.5") + "]nonsense[", "utf-8")


# ---------------------------------------------------------------- policy and worker


def raise_in_policy(stand: Stand) -> None:
    """Let the policy raise an exception."""
    stand.strike()
    stand.order("raise")


def raise_in_worker(stand: Stand) -> None:
    """Let the policy answer with a text, which breaks the worker around it."""
    stand.strike()
    stand.order("nonsense")


def raise_in_callback(stand: Stand) -> None:
    """Let a foreign listener, which takes every frame, break off without a word."""
    assert stand.address is not None
    with StreamClient(stand.address, "foreign", "lossless", 4) as foreign:
        foreign.start(10.0)
        got = (foreign.receive(500) for _ in itertools.count())
        next(frame for frame in got if frame is not None and isinstance(frame[1], FrameMessage))
        stand.strike()
        stand.wait_for_exposures(8)  # it is not read any more, and says nothing


def decide_nan(stand: Stand) -> None:
    """Let the policy ask for NaN ms."""
    stand.strike()
    stand.order("nan")
    stand.wait_for_exposures(2)
    stand.order("")


def decide_late(stand: Stand) -> None:
    """Stop the worker until the light is out, and let it go on."""
    stand.strike()
    stand.signal("worker", STOP)
    stand.wait_for_dark()
    stand.signal("worker", CONT)


def kill_worker(stand: Stand) -> None:
    """Kill the worker."""
    stand.strike()
    stand.kill("worker")
    stand.death_ns = 0  # it owns no light


# ---------------------------------------------------------------- camera and stage


def camera_fails(stand: Stand) -> None:
    """Let the camera refuse every command."""
    stand.strike()
    stand.say("scope", "set", CAMERA, "Refuse", "On")


def camera_thread_dies(stand: Stand) -> None:
    """Let the camera die in the middle of an exposure."""
    _while_lit(stand)
    stand.strike()
    stand.say("scope", "set", CAMERA, "Die", "On")


def camera_hangs(stand: Stand) -> None:
    """Let the camera begin an exposure and never end it."""
    stand.strike()
    stand.say("scope", "set", CAMERA, "Hang", "On")


def stage_hangs(stand: Stand) -> None:
    """Let the stage never arrive."""
    stand.strike()
    stand.say("scope", "set", XY, "Hang", "On")


# ---------------------------------------------------------------- light


def power_refused(stand: Stand) -> None:
    """Let the laser refuse to be set."""
    stand.strike()
    stand.say("box", "set", "refuses_power", _ON)


def power_ignored(stand: Stand) -> None:
    """Let the laser take a power as if it were set, and keep its own."""
    stand.strike()
    stand.say("box", "set", "ignores_power", _ON)


def shutter_stuck(stand: Stand) -> None:
    """Let the shutter not close."""
    stand.strike()
    stand.say("box", "set", "sticks_open", _ON)


def lie_once(stand: Stand) -> None:
    """Let the shutter say once that it is open when it is not."""
    stand.strike()
    stand.say("box", "set", "lies_at_close", _ON)


def refuse_dark(stand: Stand) -> None:
    """Let the light box ignore everything that would lessen its light, from whomever."""
    _while_lit(stand)
    stand.strike()
    stand.say("scope", "set", LASER, "RefuseDark", "On")


def light_dies(stand: Stand) -> None:
    """Pull the plug of the light box."""
    stand.strike()
    stand.signal("light", KILL)


def order(address: Address, command: str) -> None:
    """Do what a person does at the window."""
    person = ControlClient(address)
    try:
        person.command(command, 5_000)
    finally:
        person.close()


def _while_lit(stand: Stand) -> None:
    while not stand.box.state().lit:
        time.sleep(0.001)
