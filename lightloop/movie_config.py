"""The run config of a simulated movie: a replay decides by it, and `lightloop run` takes it too."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquire.simulated.config import LineConfig
    from acquire.simulated.movie import Movie

SPARE = 1.05  # of the budget over what the movie gives


def config_of(movie: Movie, name: str) -> str:
    """Return a run config as TOML; empty for a specimen that is of no preset."""
    scope = movie.config
    if scope.preset is None:
        return ""
    planes = [round(float(z), 6) for z in movie.offsets_um()]
    stack = f"\nz_plan = {{ relative = {planes} }}" if movie.planes > 1 else ""
    interval_s = max(movie.interval_s, 1e-3)
    return f"""title = {_text(f"Simulated {name}")}

[scope]
kind = "simulated"
preset = {_text(scope.preset)}
seed = {scope.seed}

{"".join(_line(movie, line) for line in scope.all_lines())}
[plan]
time_plan = {{ interval = {{ seconds = {interval_s} }}, loops = {movie.times} }}{stack}

[policy]                        # what it would have proposed
kind = "snr"

[loop]
clock = "simulated"
"""


def _line(movie: Movie, line: LineConfig) -> str:
    """Return one line of light and its channel; its power is what makes its irradiance."""
    scope = movie.config
    area_um2 = scope.height * scope.width * scope.pixel_um**2
    power_mw = line.max_irradiance_w_cm2 * area_um2 * 1e-5  # W/cm2 um2 = 1e-8 W
    given = movie.power_fraction * line.max_irradiance_w_cm2 * movie.exposure_ms * 1e-3
    budget = max(SPARE * given * movie.times * movie.planes, 1e-6)
    return f"""[[light]]
name = {_text(line.name)}
wavelength_nm = {line.wavelength_nm}
power_device = {_text(line.name)}
power_property = "Power"
maximum = 100.0
shutter_device = "Shutter"
gate = "camera"
power_mw_at_maximum = {power_mw}
lit_area_um2 = {area_um2}
limits = {{ max_exposure_ms = {max(100.0, math.ceil(movie.exposure_ms))}, \
budget_j_cm2 = {budget} }}

[[channel]]
name = {_text(line.name)}
light = {_text(line.name)}
exposure_ms = {movie.exposure_ms}
power_fraction = {max(movie.power_fraction, 1e-3)}

"""


def _text(text: str) -> str:
    return json.dumps(text)
