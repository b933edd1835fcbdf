"""The least light that keeps the cells as clear as the task needs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from realtime.policy.beginning import enough
from realtime.policy.decision import Decision
from realtime.policy.doubt import doubt, is_only_too_dark, is_saturated
from realtime.policy.field_memory import FieldMemory
from realtime.policy.field_state import pack_field, unpack_field
from realtime.policy.lamp import Lamp
from realtime.policy.photon_model import light_factor, powers, snr_before
from realtime.policy.snr_config import SnrConfig

if TYPE_CHECKING:
    from acquire.settings import ChannelSettings, Settings
    from realtime.policy.observation import Observation

__all__ = ["SnrConfig", "SnrPolicy"]

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
_LOST = "the light was lowered while no worker answered: back to what cells were last seen in"


class SnrPolicy:
    """Steers the light so that the median cell keeps its SNR.

    The photon model says how much light a shot's cells need for the target; the shots are pooled
    (`realtime.policy.need`), and the change is damped and bounded for one shot. Within the deadband
    nothing moves. Less light comes at once, more comes slowly: only where even the lower bound of
    the need is above the light, and, once a field has settled, by a hundredth a shot and what
    bleaching takes.

    More light needs evidence: without a believed cell, with clipped pixels, with a number missing
    or with a network that is not trusted (`realtime.policy.doubt`), the light is never raised; it
    is held, then lowered shot by shot (at once where pixels clip). Nor do the first believed shots
    raise it: some must have shown that the cells' brightness answers to it as it should. Light that
    was decided on before, by a worker that died, is the right one until cells surely bleach. Where
    trust is lost it first goes back to the last light that was believed, if that is less. Less
    light needs no cell that is believed: first shots go down by what is found in them
    (`realtime.policy.beginning`).

    Parameters
    ----------
    config
        Target and bounds.
    first
        The settings of the start; they also say how the channels' lights relate.
    read_noise_e
        Read noise of the camera, rms photo-electrons a pixel.

    Raises
    ------
    ValueError
        If the config names a channel that the settings do not have.
    """

    name = "snr/7"

    def __init__(self, config: SnrConfig, first: Settings, read_noise_e: float) -> None:
        self._config, self._first = config, first
        self._read_noise_e = read_noise_e
        self._lamp = Lamp(config, config.channel or first.channels[0].channel, first)
        self._fields: dict[int, FieldMemory] = {}

    def decide(self, seen: Observation) -> Decision:
        """Propose the light of the field's next shot."""
        field = self._fields.get(seen.position) or self._begin(seen)
        now = self._lamp.used(seen.applied, field.asked)
        if field.is_back:
            is_late = any(a.late for a in seen.applied if a.channel == self._lamp.channel)
            asked = self._lamp.light(field.asked)
            field.come_back(self._lamp.light(now), asked, is_late=is_late)
        why_not = doubt(seen, self._lamp.channel, self._config)
        inputs = {
            "snr": seen.snr,
            "target_snr": self._config.target_snr,
            "signal_e": seen.signal_e,
            "background_e": seen.background_e,
            "read_noise_e": self._read_noise_e,
            "n_confirmed": float(seen.n_confirmed),
            "saturated_fraction": seen.saturated_fraction,
            "light_now": self._lamp.light(now),
        }
        is_coming_back = self._may_come_back(seen, field, now)
        if why_not or is_coming_back:
            field.fading.pass_by(self._lamp.light(now))
            field.ceiling = min(field.ceiling, max(field.held, self._lamp.light(now)))
        if is_coming_back:
            field.doubtful, channels = 0, self._lamp.scaled(field.lost, None)
            why = f"{why_not or f'SNR {seen.snr:.1f} is too little'}, but {_LOST}"
        elif why_not:
            channels, why = self._retreat(why_not, seen, field, now)
        else:
            channels, why = self._steer(seen, field, now, inputs)
        field.asked = channels
        inputs["light_next"] = self._lamp.light(channels)
        return Decision(
            id=seen.shot,
            settings=msgspec.structs.replace(self._first, channels=channels),
            based_on=seen.seqs,
            inputs=inputs,
            reason=f"{why}: {self._lamp.change(now, channels)}",
            policy=self.name,
            has_evidence=not why_not or is_coming_back,
        )

    def state(self, position: int) -> bytes:
        """Return what was learnt of a field, for a policy that goes on when this one is gone."""
        field = self._fields.get(position)
        return pack_field(field, self._kind) if field is not None else b""

    def resume(self, position: int, state: bytes) -> None:
        """Go on with a field where another policy left it; see `FieldMemory.go_on`.

        Raises
        ------
        ValueError
            If it is the state of another policy, or of one that was set otherwise.
        """
        field = unpack_field(state, self._kind, self._first)
        field.go_on()
        self._fields[position] = field

    @property
    def _kind(self) -> str:
        return f"{self.name} {self._config.model_dump_json()}"

    def _begin(self, seen: Observation) -> FieldMemory:
        """Begin to remember a field; one whose light was decided on before has found it already."""
        field = self._fields[seen.position] = FieldMemory(self._first.channels)
        if any(entry.decision_id >= 0 for entry in seen.applied):
            field.take_over()
        return field

    def may_rise(self, position: int) -> bool:
        """Whether a field's last shots were sharp, and as bright as bleaching lets expect."""
        field = self._fields.get(position)
        return field is not None and field.fading.is_calm

    def _may_come_back(
        self, seen: Observation, field: FieldMemory, now: tuple[ChannelSettings, ...]
    ) -> bool:
        """Whether a field is too dark for its cells only because nobody answered for a while.

        Then there is no evidence to be had where it is. It may have the light back in which its
        cells were believed (at once: the guard bounds the step), and only once: there they are
        compared with what they were, and what is not seen is lowered like any other.
        """
        if self._lamp.light(now) >= field.lost * (1 - self._config.deadband):
            field.lost = 0.0
        return field.lost > 0 and is_only_too_dark(seen, self._lamp.channel, self._config)

    def _retreat(
        self, why_not: str, seen: Observation, field: FieldMemory, now: tuple[ChannelSettings, ...]
    ) -> tuple[tuple[ChannelSettings, ...], str]:
        """Return no more light than now: held, then lowered; and why."""
        field.doubtful += 1
        config, light = self._config, self._lamp.light(now)
        is_clipped = is_saturated(seen, config)
        if not seen.trust.is_trusted and field.safe < light:
            return self._lamp.scaled(field.safe, now), f"{why_not}, back to the last safe light"
        if not field.is_known and not is_clipped:
            share = max(enough(seen, config.target_snr, self._read_noise_e), config.max_leap_down)
            lower = max(light * share, min(light, config.least))
            if lower < light * (1 - config.deadband):
                words = f"no cell is followed yet, but what is seen has SNR {seen.found_snr:.0f}"
                return self._lamp.scaled(lower, now), words
        if field.doubtful <= config.hold_shots and not is_clipped:
            return now, f"{why_not}, light held"
        step = config.max_leap_down if is_clipped else config.max_step_down
        lower = max(light * step, min(light, config.least))
        shots = f" for {field.doubtful} shots" if field.doubtful > 1 else ""
        return self._lamp.scaled(lower, now), f"{why_not}{shots}, light lowered"

    def _steer(
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
