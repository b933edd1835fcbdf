"""Runs of the real processes for tests: a small specimen, no network, no screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lightloop.supervision.children import READY_S, Child
from lightloop.supervision.supervisor import Outcome, Supervisor
from lightloop.task import RunTask
from realtime.client import StreamClient
from realtime.run_file import RunReader
from realtime.truth import TruthReader
from realtime.wire import FrameMessage

FRAMES_S = 120.0  # for some frames, on a busy machine; reached only on failure

SMALL = """
title = "test"
reference_exposure_ms = 40.0
[scope]
kind = "simulated"
seed = 3
n_cells = 6
height = 128
width = 128
[[light]]
name = "488"
wavelength_nm = 488.0
power_device = "Laser488"
power_property = "Power"
shutter_device = "Shutter"
gate = "camera"
power_mw_at_maximum = 0.0865
lit_area_um2 = 1731.0
[light.limits]
max_exposure_ms = 100.0
max_power_fraction = 0.5
budget_j_cm2 = 500.0
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 20.0
power_fraction = 0.2
[plan]
time_plan = { interval = { seconds = 120 }, loops = 5000 }
[policy]
kind = "snr"
[network]
denoise = ""
[loop]
clock = "simulated"
pace_s = 0.01
deadline_ms = 300.0
"""


def task(folder: Path, shots: int = 0, config: str = SMALL) -> RunTask:
    """Return the task of a headless run that records into `folder`."""
    session = folder / "s"
    session.mkdir(mode=0o700, exist_ok=True)
    return RunTask(
        config, "test.toml", str(folder / "run.h5"), folder=str(session), max_shots=shots
    )


def run_and(
    wanted: RunTask, after_frames: int, act: Callable[[dict[str, Child], Supervisor], None]
) -> Outcome:
    """Run a task, and do something to its processes once so many frames were taken."""
    supervisor = Supervisor(wanted)
    trouble: list[BaseException] = []

    def meddle() -> None:
        try:
            _wait_for_frames(supervisor, after_frames)
            act(supervisor._family.children, supervisor)
        except BaseException as error:
            trouble.append(error)
            supervisor._interrupts += 1

    meddler = threading.Thread(target=meddle)
    meddler.start()
    outcome = supervisor.run()
    meddler.join()
    if trouble:
        raise trouble[0]
    return outcome


def _wait_for_frames(supervisor: Supervisor, count: int) -> None:
    until = time.monotonic() + READY_S  # it gives up by itself then
    while supervisor._heard.address is None or not supervisor._heard.has_gone:
        assert time.monotonic() < until, "the run never began"
        time.sleep(0.01)
    until = time.monotonic() + FRAMES_S
    address, name = supervisor._heard.address, f"spy-{id(supervisor)}"
    with StreamClient(address, name, "latest", 1, shares_tracker=True) as spy:
        spy.start(20.0)
        last = -1
        while last < count:
            assert not (ended := supervisor._verdict.problem), f"{ended}, after {last} frames"
            assert time.monotonic() < until, f"only {last} frames were taken"
            got = spy.receive(200)
            if got is not None and isinstance(got[1], FrameMessage):
                last = got[1].info.seq
                spy.ack(last, 1)


def scatter(run: RunReader, truth: TruthReader, seq: int) -> float:
    """Return the spread of a frame about its expectation; 1 where only the camera's noise is."""
    electrons, expected = run.pixels(seq) / 2.0 - 50.0, truth.expected_e(truth.of_frame(seq))
    return float(np.std((electrons - expected) / np.sqrt(expected + 1.6**2)))
