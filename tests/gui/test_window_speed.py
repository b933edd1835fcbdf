"""The window may not be slow, and it may not need what it does not need."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.gui.fake_source import FakeSource

Opener = Callable[..., Any]

ALONE = """
    import socket, sys
    def refuse(self, address):
        raise AssertionError(f"the window asked the network: {address}")
    socket.socket.connect = refuse
    from gui.app import show
    from tests.gui.fake_source import FakeSource
    source = FakeSource(rate_hz=50.0, side_px=64, n_cells=3)
    ticks = iter(range(5))
    code = show(source, "alone", should_close=lambda: next(ticks, None) is None)
    heavy = ("pymmcore_widgets", "pymmcore", "pymmcore_plus", "openvino", "torch")
    assert not set(heavy) & set(sys.modules)
    sys.exit(code)
"""


def test_the_window_starts_alone_without_a_network_or_a_microscope() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(ALONE)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_importing_the_room_loads_no_qt() -> None:
    code = "import gui, sys; assert not {'PySide6', 'pyqtgraph', 'qtpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.bench
def test_a_tick_costs_at_most_20_ms_of_a_core(open_window: Opener) -> None:
    from gui._qt import QtWidgets

    source = FakeSource(side_px=512, n_cells=60)
    window = open_window(source, size=(1440, 860))
    source.raw = _canned(source)  # type: ignore[method-assign]
    app = QtWidgets.QApplication.instance()
    costs = []
    for i in range(60):
        source.advance(1)
        began = time.process_time()
        window._slow_ns = 0 if i % 6 == 0 else window._slow_ns
        window.tick()
        app.processEvents()
        costs.append(1000 * (time.process_time() - began))
    typical = float(np.percentile(costs[10:], 25))  # a busy machine makes CPU time dearer, too
    assert typical <= 20.0, f"{typical:.1f} ms"


@pytest.mark.bench
def test_the_event_loop_stays_responsive_under_a_fast_stream(
    open_window: Opener, qtbot: Any
) -> None:
    """A 5 ms timer stands beside the window: for how long is it kept waiting?

    Counted is the thread's own CPU time, so that a busy machine does not fail the test.
    """
    from gui._qt import Qt, QtCore

    source = FakeSource(rate_hz=100.0, side_px=512, n_cells=60)
    window = open_window(source)
    source.raw = _canned(source)  # type: ignore[method-assign]
    busy_ms: list[float] = []
    last = time.thread_time()

    def beat() -> None:
        nonlocal last
        now = time.thread_time()
        busy_ms.append(1000 * (now - last))
        last = now

    timer = QtCore.QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    window._timer.start(33)
    timer.start(5)
    qtbot.waitUntil(lambda: len(busy_ms) > 120, timeout=20_000)
    timer.stop()
    window._timer.stop()
    assert np.percentile(busy_ms[20:], 95) < 50.0
    assert window.view.shown_frames > 5
    assert window.view.lost_frames == 0


def _canned(source: FakeSource) -> Callable[[Any], np.ndarray]:
    """Make the fake camera free: what is measured is the window."""
    source.advance(1)
    frame = source._newest
    assert frame is not None
    counts = source.raw(frame)
    assert counts is not None
    return lambda _message: counts
