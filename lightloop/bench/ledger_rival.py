"""The same light given by pymmcore-plus alone, and the dose that its metadata would add up to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from acquire.simulated.config import LASER
from lightloop.bench.ledger_stand import IRRADIANCE_W_CM2, POWER, MeteredStand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import useq


class _Tally:
    """Adds up the exposure times that come with the frames."""

    def __init__(self) -> None:
        self.exposed_ms = 0.0

    def __call__(self, image: object, event: object, meta: Any) -> None:
        self.exposed_ms += float(meta["exposure_ms"])


def exposures(times_ms: Sequence[float]) -> list[useq.MDAEvent]:
    """Return plain events of one channel."""
    import useq

    return [useq.MDAEvent(exposure=ms) for ms in times_ms]


def record(stand: MeteredStand, events: Sequence[useq.MDAEvent], *, snaps: bool = False) -> Any:
    """Run events by pymmcore-plus, and return dose by its metadata and by the meter, J/cm2.

    Its frames carry no power and no irradiance: both are filled in for it, so that what is compared
    is time alone.

    Parameters
    ----------
    snaps
        One event after the other, the shutter closed between them; else it may make hardware
        sequences of them, and the shutter stays open.
    """
    os.environ.setdefault("PYMM_SIGNALS_BACKEND", "psygnal")
    core, tally = stand.core, _Tally()
    before = stand.metered()
    core.setProperty(LASER, "Power", str(100.0 * POWER))
    core.mda.engine.restore_initial_state = False
    core.mda.events.frameReady.connect(tally)
    try:
        if not snaps:
            core.setShutterOpen("Shutter", True)
        core.mda.run(_one_by_one(stand, events) if snaps else list(events))
    finally:
        core.setShutterOpen("Shutter", False)
        core.setProperty(LASER, "Power", "0")
        core.mda.events.frameReady.disconnect(tally)
    recorded = tally.exposed_ms * 1e-3 * POWER * IRRADIANCE_W_CM2
    return recorded, stand.metered() - before


def _one_by_one(stand: MeteredStand, events: Sequence[useq.MDAEvent]) -> Iterator[useq.MDAEvent]:
    for event in events:
        stand.core.setShutterOpen("Shutter", True)
        yield event
        stand.core.setShutterOpen("Shutter", False)
