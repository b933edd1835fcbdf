"""What becomes of each frame of a session: the hub first, since a decision waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.reference import Reference

if TYPE_CHECKING:
    from acquire.frame import Frame
    from lightloop.build.witness import Witness
    from lightloop.config import RunConfig
    from realtime.hub import Hub


class Frames:
    """Hands each frame on, and counts it.

    Attributes
    ----------
    last
        The newest frame; None before the first.
    """

    def __init__(self, hub: Hub, config: RunConfig, witness: Witness) -> None:
        self._hub, self._witness = hub, witness
        self._reference = Reference(config)
        self.last: Frame | None = None

    @property
    def reference_dose(self) -> dict[str, float]:
        """What the same frames would have cost at the operator's fixed settings, by light line."""
        return self._reference.dose

    def publish(self, frame: Frame) -> None:
        """Send a frame to everybody."""
        self._hub.publish(frame.info, frame.pixels)
        self._reference.add(frame.info)
        self._witness.frame(frame.info)
        self.last = frame
