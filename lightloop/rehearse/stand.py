"""What a stand is known by, so that a rehearsal is believed of its own lights alone."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.light.own_core import labels_of, lines_for

if TYPE_CHECKING:
    from lightloop.config import RunConfig

# What a rehearsal does not depend on: how much light is allowed, and how strong it is.
NOT_OF_THE_STAND = {
    "limits", "calibration", "power_mw_at_maximum", "power_table", "lit_area_um2", "lit_shape",
    "lit_aspect", "lit_rim",
}  # fmt: skip


def stand_sha256(config: RunConfig) -> str:
    """Return what a config's lights are known by: devices, delays, gates; not their limits.

    Of a Micro-Manager configuration file those lines count that bring the lights to life.
    """
    lights = [light.model_dump(exclude=NOT_OF_THE_STAND) for light in config.light]
    system = getattr(config.scope, "system", "")
    known = [config.scope.kind, system, lights]
    with suppress(OSError):  # it is not there, or Micro-Manager's own: its name has to do
        text = Path(system or "-").read_text("utf-8", errors="replace")
        known.append(lines_for(text, labels_of(config.light)))
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
