"""How the light of a field whose cells are believed follows what they need, and how fast it may.

Less light comes at once, more comes slowly, and no more than the cells' brightness allows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from realtime.policy.photon_model import light_factor, powers, snr_before

if TYPE_CHECKING:
    from acquire.settings import ChannelSettings
    from realtime.policy.field_memory import FieldMemory
    from realtime.policy.lamp import Lamp
    from realtime.policy.observation import Observation
    from realtime.policy.snr_config import SnrConfig

_SURE = 1.0
"""Standard errors by which the light must miss what the cells need before it changes (proposed)."""
_CREEP = 1.01
"""Light of a shot in a settled field, as a factor of the last, that bleaching does not explain."""
_SURELY = 3.0
"""Standard errors by which cells must bleach before they get more light in a settled field where
nobody can tell whether they are in focus (proposed)."""
_ODD_STEP = 0.98
"""Light of a shot, as a factor of the last, while cells are dimmer than bleaching explains: slow,
for they are seen and may yet be believed (`realtime.policy.fading`). Proposed."""


class Steering:
    """Steers the light of believed shots; what it learns of a field stays in the field's memory.

    Parameters
    ----------
    config
        Target and bounds.
    lamp
        What light can be asked for.
    read_noise_e
        Read noise of the camera, rms photo-electrons a pixel.
    """

    def __init__(self, config: SnrConfig, lamp: Lamp, read_noise_e: float) -> None:
        self._config, self._lamp, self._read_noise_e = config, lamp, read_noise_e

    def steer(
        self,
        seen: Observation,
        field: FieldMemory,
        now: tuple[ChannelSettings, ...],
        inputs: dict[str, float],
    ) -> tuple[tuple[ChannelSettings, ...], str]:
        """Return the light that the target needs and the cells' brightness allows, and why."""
        light, ceiling = self._lamp.light(now), field.ceiling
        if not field.fading.odd_shots:  # what is given may be held
            ceiling = max(ceiling, light)
        field.doubtful, field.safe, field.lost = 0, light, 0.0
        before = replace(field.need)
        off, trend = self._pool(seen, field, light)
        is_sharp = field.is_sharp(seen.trust.focus, light)
        is_short = seen.snr < self._config.target_snr
        if not (is_short and is_sharp and field.fading.keeps(seen.signal_e / light, light)):
            ceiling = min(ceiling, max(field.held, light))  # nor does the shot itself ask for more
        wanted, why = self._wanted(seen, field, now, inputs)
        inputs |= {"bleaching": trend, "light_ceiling": ceiling}
        if (light if wanted is None else wanted) <= ceiling:
            chosen = now if wanted is None else self._lamp.scaled(wanted, None)
        else:
            why = f"{why}, but {self._reservation(field)}"
            chosen = self._lamp.scaled(ceiling, now if ceiling <= light else None)
        field.fading.see(seen.t_s, seen.signal_e / light, seen.n_confirmed, light)
        if field.fading.odd_shots and off > 0:  # what looks dimmer is no evidence of a need
            field.need = before
        self._bound(field, light, self._lamp.light(chosen), is_sharp=is_sharp)
        return chosen, why

    def _reservation(self, field: FieldMemory) -> str:
        """Return why the light may not rise as the target asks, in plain words."""
        if field.fading.why:
            return f"cells are {field.fading.why}"
        if field.inherited:
            return "a worker that is gone found this light, and its field is not known for long yet"
        if field.fading.is_calm:
            return "the light rises slowly"
        return "this has to last before the light rises"

    def _pool(self, seen: Observation, field: FieldMemory, light: float) -> tuple[float, float]:
        """Take a shot into the need; return how far off it was, and what bleaching adds to it."""
        measured = (seen.signal_e, seen.background_e, self._read_noise_e)
        factor = light_factor(self._config.target_snr, seen.snr, *measured)
        by_brightness, by_light = powers(*measured)
        to_light = light * by_brightness / by_light
        trend = field.fading.bleaching() * to_light
        field.need.bleached(trend)
        is_told = seen.trust.focus > 0 and not field.inherited
        rise = trend + math.log(_CREEP) if is_told else field.fading.bleaching(_SURELY) * to_light
        field.rise = math.exp(rise)
        return field.need.see(light * factor, light, self._config.gain), trend

    def _wanted(
        self,
        seen: Observation,
        field: FieldMemory,
        now: tuple[ChannelSettings, ...],
        inputs: dict[str, float],
    ) -> tuple[float | None, str]:
        """Return the light that the target needs (None: the same), and why."""
        config, light = self._config, self._lamp.light(now)
        gap, error = field.need.level - math.log(light), field.need.error
        measured = (seen.signal_e, seen.background_e, self._read_noise_e)
        snr = snr_before(config.target_snr, math.exp(gap), *measured)
        inputs |= {"light_factor": math.exp(gap), "light_error": error, "snr_pooled": snr}
        target = f"target {config.target_snr:g}"
        if abs(gap) <= max(config.deadband, _SURE * error) and all(map(config.allows, now)):
            field.at_rest += 1
            is_at = abs(gap) <= config.deadband
            return None, f"SNR {snr:.1f} is {'at' if is_at else 'about'} {target}"
        if not field.is_settled:
            field.at_rest = 0
        if gap <= 0:
            step = max(math.exp(config.damping * gap), config.max_leap_down)
            light = min(light, max(light * step, config.least), config.most)
        else:
            step = math.exp(min(config.damping * gap, max(gap - _SURE * error, 0.0)))
            light = min(light * min(step, config.max_step_up), config.most)
        return light, f"SNR {snr:.1f} {'above' if gap <= 0 else 'below'} {target}"

    def _bound(self, field: FieldMemory, light: float, following: float, *, is_sharp: bool) -> None:
        """Set the most light of the shot after the next decision, by what was seen up to now."""
        config, fading = self._config, field.fading
        if fading.odd_shots:
            field.ceiling = min(field.ceiling, max(field.held, light))
            if fading.is_dimmer and fading.odd_shots > config.hold_shots:
                field.ceiling = min(light, max(light * _ODD_STEP, config.least))
            return
        field.held = following if following < light else max(field.held, following)
        rise = 1.0
        if not is_sharp:
            fading.unsettle()
        if fading.is_calm:
            rise = field.rise if field.is_settled else config.max_step_up
        field.ceiling = max(following * min(rise, config.max_step_up), field.held)
