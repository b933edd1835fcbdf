"""What an operator's fixed settings would have cost: the yardstick of the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquire.frame import FrameInfo, Index
    from lightloop.config import RunConfig


class Reference:
    """What the frames would have cost at the operator's fixed settings.

    Attributes
    ----------
    dose
        By light line; empty where the config names no reference.
    """

    def __init__(self, config: RunConfig) -> None:
        self.dose: dict[str, float] = {}
        self._last: tuple[int, Index] | None = None
        self._per_frame: dict[str, float] = {}
        sources = {source.name: source for source in config.light}
        for channel in config.channel:
            if config.reference_exposure_ms is not None:
                power = config.reference_power_fraction or channel.power_fraction
                source = sources[channel.light]
                self._per_frame[channel.name] = source.dose_j_cm2(
                    power, config.reference_exposure_ms
                )

    def add(self, info: FrameInfo) -> None:
        """Count one frame; the second look of an audit is ours, and no operator would take it."""
        last, self._last = self._last, (info.shot.number, info.index)
        if info.shot.is_audit and last == self._last:
            return
        applied = info.applied
        if applied.channel in self._per_frame:
            dose = self.dose.get(applied.light, 0.0)
            self.dose[applied.light] = dose + self._per_frame[applied.channel]
