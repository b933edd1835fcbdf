"""What the tests of the model share: messages of a run that never was, and a view of them."""

from __future__ import annotations

import time

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from gui.model import RunView
from realtime.wire import End, FrameMessage, Notice, Reply, Start
from tests.gui.fake_source import FakeSource

APPLIED = Applied("GFP", "488", 488.0, 10.0, 9.9, 0.05, 0.04, 0.5, 0.005, True, 3)


def viewed(source: FakeSource, shots: int = 3) -> RunView:
    view = RunView()
    source.advance(shots)
    for message in source.poll():
        view.take(message, time.perf_counter_ns())
    return view


def frame(seq: int, t_ns: int, applied: Applied = APPLIED) -> FrameMessage:
    info = FrameInfo(
        seq, "camera", seq, t_ns, seq * 1.0, Shot(seq, 0, 1), 0, Index(seq), 8, 8,
        (0.0, 0.0, 0.0), applied,
    )  # fmt: skip
    return FrameMessage(info, 0, 1, 128, 0)


def end(status: str, *, is_dark: bool) -> End:
    return End(9, 10, 0, status, "why it ended", is_dark)


STARTED = FakeSource().poll()[0]
assert isinstance(STARTED, Start)
FRAME, HOLD = frame(0, 1), Reply("hold", is_ok=True)
PAUSE = Notice("pause", "paused by a person")
