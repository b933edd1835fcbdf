"""How long a decision may be used: what was seen too long ago vouches for nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from useq import MDASequence

    from lightloop.config import RunConfig


def decision_valid_s(config: RunConfig) -> float:
    """Return how long after it was made a decision may be used, s of the host's clock.

    It is meant for the next shot of its field: that comes after the plan's own wait, and after
    every other field had its turn. A turn is `loop.decision_valid_s` and its longest exposures.
    """
    sequence = config.sequence()
    sizes = {str(axis): n for axis, n in sequence.sizes.items()}
    fields = max(1, sizes.get("p", 0)) * max(1, sizes.get("g", 0))
    frames = max(1, sizes.get("z", 0)) * len(config.channel) * config.loop.burst_frames
    longest_s = max(light.limits.max_exposure_ms for light in config.light) * 1e-3
    wait_s = max(_waits_s(sequence), default=0.0)
    if config.loop.clock == "simulated":
        wait_s = config.loop.pace_s
    return wait_s + fields * (config.loop.decision_valid_s + frames * longest_s)


def _waits_s(sequence: MDASequence) -> Iterator[float]:
    """Give each wait between two time points, s; of positions with a plan of their own, too."""
    times: Any = sequence.time_plan or ()
    yield from (after - before for before, after in pairwise(map(float, times)))
    for position in sequence.stage_positions:
        if position.sequence is not None:
            yield from _waits_s(position.sequence)
