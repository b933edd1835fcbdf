"""For `lightloop bench loop`: the same messages, through the same processes, answered at once.

What the loop adds to this is its own; what the machine's scheduler adds is in both.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from acquire.frame import Shot

if TYPE_CHECKING:
    from acquire.frame import Frame
    from lightloop.summary import Tally
    from realtime.hub import Hub

ECHO = "echo"
TIMEOUT_S = 5.0


def echo(hub: Hub, last: Frame, count: int, tally: Tally) -> int:
    """Send the run's last frame again and again, and time each answer; return the last seq."""
    seq, shot = last.info.seq, last.info.shot
    for _ in range(count):
        seq += 1
        shot = Shot(shot.number + 1, shot.position, 1)
        applied = msgspec.structs.replace(last.info.applied, channel=ECHO)
        info = msgspec.structs.replace(last.info, seq=seq, shot=shot, shot_frame=0, applied=applied)
        start_ns = time.perf_counter_ns()
        hub.publish(info, last.pixels)
        got = hub.next_decision(TIMEOUT_S)
        while got is not None and got[1].id != shot.number:
            got = hub.next_decision(TIMEOUT_S)
        if got is None:
            break
        tally.add_latency(ECHO, time.perf_counter_ns() - start_ns)
    return seq
