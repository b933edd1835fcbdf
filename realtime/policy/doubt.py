"""Does a shot speak for any light at all? What is missing, clipped or not trusted does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from realtime.policy.lamp import is_light
from realtime.policy.light import light_of

if TYPE_CHECKING:
    from realtime.policy.observation import Observation
    from realtime.policy.snr_config import SnrConfig


def doubt(seen: Observation, channel: str, config: SnrConfig) -> str:
    """Return why a shot speaks for no light at all, in plain words; empty if it does.

    Parameters
    ----------
    channel
        The one that is steered: how much light it had has to be known.
    """
    numbers = (seen.snr, seen.signal_e, seen.background_e, seen.saturated_fraction)
    applied = [a for a in seen.applied if a.channel == channel]
    if not all(map(math.isfinite, numbers)):
        return "a measured number is missing"
    if not applied or not all(is_light(a) and light_of(a) > 0 for a in applied):
        return f"the light of {channel} is not known"
    if seen.n_confirmed == 0:
        return "no cell was followed for long enough"
    if is_saturated(seen, config):
        return f"{100 * seen.saturated_fraction:.2g} % of the pixels are saturated"
    if not seen.trust.is_trusted:
        return f"the restored image is not trusted ({seen.trust.why})"
    if seen.snr <= 0 or seen.signal_e <= 0:
        return "no followed cell was seen in this shot"
    return ""


def is_only_too_dark(seen: Observation, channel: str, config: SnrConfig) -> bool:
    """Whether followed cells are not clear enough, or not seen, and nothing else is wrong."""
    is_dark = 0 <= seen.snr < config.target_snr and math.isfinite(seen.signal_e)
    as_if = msgspec.structs.replace(seen, n_confirmed=1, snr=1.0, signal_e=1.0)
    return is_dark and not doubt(as_if, channel, config)


def is_saturated(seen: Observation, config: SnrConfig) -> bool:
    """Whether pixels are clipped: that alone is too much light, and is lowered at once."""
    return seen.saturated_fraction > config.max_saturated_fraction
