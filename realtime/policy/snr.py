"""The least light that keeps the cells as clear as the task needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from realtime.policy.beginning import enough
from realtime.policy.decision import Decision
from realtime.policy.doubt import doubt, is_only_too_dark, is_saturated
from realtime.policy.field_memory import FieldMemory
from realtime.policy.field_state import pack_field, unpack_field
from realtime.policy.lamp import Lamp
from realtime.policy.snr_config import SnrConfig
from realtime.policy.steering import Steering

if TYPE_CHECKING:
    from acquire.settings import ChannelSettings, Settings
    from realtime.policy.observation import Observation

__all__ = ["SnrConfig", "SnrPolicy"]

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
        self._steering = Steering(config, self._lamp, read_noise_e)
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
            channels, why = self._steering.steer(seen, field, now, inputs)
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
