"""A stream whose owner or keeper dies, or hangs, while the camera runs on: what the meter says.

The lease of a stream is renewed again and again: who hangs must not live off the last renewal.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from acquire.simulated import LightBoxClient
from lightloop.supervision.children import Child
from lightloop.supervision.lights_out import LightsOut
from lightloop.supervision.supervisor import Supervisor
from realtime.run_file import RunReader
from tests.run_helpers import SMALL, run_and, task

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="no signals there"),
]
STREAM = (
    SMALL.replace("interval = { seconds = 120 }, loops = 5000", "interval = 0, loops = 1000000")
    .replace('clock = "simulated"\npace_s = 0.01', 'clock = "host"\nmode = "stream"')
    .replace('kind = "snr"', 'kind = "fixed"')
    .replace("[plan]", "[guard]\nlease_margin_ms = 2000\n[plan]")
)
# Of light, by the box's clock: a window, a late frame, the margin of a busy machine, the keeper's
# own way. Who lived off one renewal after the other would shine for the 20 s of the look.
LIT_S = 5.0
WATCH_S = 1.0


class Eye:
    """Looks at the box while and after its owner is struck; the supervisor waits for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.was_lit = False
        self.lit_s = self.dose_then = self.dose_later = -1.0
        self._done = threading.Event()
        look = LightsOut.look

        def look_later(lights: LightsOut) -> None:
            self._done.wait(30.0)
            look(lights)

        monkeypatch.setattr(LightsOut, "look", look_later)

    def strike(self, supervisor: Supervisor, pid: int, how: str) -> None:
        """Strike a process while light is on, and see what becomes of it."""
        light = supervisor._lights.light
        assert light is not None
        box = LightBoxClient(light)
        try:
            until_s = time.monotonic() + 10.0
            while not self.was_lit and time.monotonic() < until_s:
                self.was_lit = bool(box.state().lit)
            lit_before_s = _lit_s(box)
            getattr(psutil.Process(pid), how)()
            until_s = time.monotonic() + 20.0
            while not box.state().is_dark and time.monotonic() < until_s:
                time.sleep(5e-3)
            self.lit_s = _lit_s(box) - lit_before_s
            self.dose_then = _dose(box)
            time.sleep(WATCH_S)
            self.dose_later = _dose(box)
            assert box.state().is_dark
        finally:
            self._done.set()


def _lit_s(box: LightBoxClient) -> float:
    return sum(line.lit_s for line in box.meter().values())


def _dose(box: LightBoxClient) -> float:
    return sum(line.dose_j_cm2 for line in box.meter().values())


@pytest.mark.parametrize(
    ("how", "who"), [("suspend", "scope"), ("kill", "keeper"), ("suspend", "keeper")]
)
def test_whoever_is_struck_in_mid_stream_it_is_dark_soon_and_stays_dark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, who: str
) -> None:
    eye = Eye(monkeypatch)

    def act(children: dict[str, Child], supervisor: Supervisor) -> None:
        pid = children[who].process.pid
        assert pid is not None
        eye.strike(supervisor, pid, how)
        if psutil.pid_exists(pid):
            psutil.Process(pid).kill()  # nobody need wait for it any more

    outcome = run_and(task(tmp_path, config=STREAM), 20, act)
    assert eye.was_lit
    assert eye.lit_s < LIT_S
    # Less, if the camera says only now that an exposure ended before its gate: never more.
    assert eye.dose_later <= eye.dose_then
    assert outcome.exit_code == 1
    assert "LIGHT WAS STILL ON" not in outcome.reason
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.status == "partial"
        told = sum(info.applied.dose_j_cm2 for info in reader.infos)
        assert 0 < told < eye.dose_later
