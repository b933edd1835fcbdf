"""The least light that keeps the cells as clear as the task needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from pydantic import Field

from acquire.settings import ChannelSettings
from realtime.policy.decision import Decision
from realtime.policy.fading import Fading
from realtime.policy.light import LightRange, light_of

if TYPE_CHECKING:
    from acquire.settings import Applied, Settings
    from realtime.policy.observation import Observation

_MOST_TREND = 0.3
"""Bound of the integral term, in natural logs of light: it follows bleaching, not faults."""
_ODD_STEP = 0.98
"""Light of a shot, as a factor of the last, while cells are dimmer than bleaching explains: slow,
for they are seen and may yet be believed (`realtime.policy.fading`). Proposed."""


class SnrConfig(LightRange, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """How clear the cells shall be, and how fast the light may follow."""

    kind: Literal["snr"] = "snr"
    """Name of this policy."""

    target_snr: Annotated[float, Field(gt=0, le=1_000)] = 8.0
    """Signal over noise of the mean signal in a cell that shall be kept."""

    gain: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Weight of the integral term, which follows a trend such as bleaching."""

    damping: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Share of the computed change that is made at once."""

    deadband: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Relative distance from the target within which the light is left alone."""

    max_step_down: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Least light of a shot in doubt, as a factor of the shot before."""

    max_leap_down: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Least light of a shot after one whose cells are believed and clearer than wanted, or whose
    pixels are clipped, as a factor of that shot. What is given on the way down is given for
    nothing, and the photon model knows the way."""

    max_step_up: Annotated[float, Field(gt=1, le=10)] = 1.25
    """Most light of a shot, as a factor of the shot before."""

    hold_shots: Annotated[int, Field(ge=0, le=1_000)] = 5
    """Shots in doubt for which the light is held, before it is lowered."""

    max_saturated_fraction: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Share of clipped pixels from which an image is not believed."""

    channel: str = ""
    """Channel that is steered; left out, the first. The others keep their ratio to it."""


def light_factor(
    target_snr: float, snr: float, signal_e: float, background_e: float, read_noise_e: float
) -> float:
    """Return the factor of light that brings a cell from `snr` to `target_snr`.

    Signal and background grow with the light k, read noise does not:
    ``SNR(k)^2 = A k^2 S^2 / (k (S + B) + r^2)``, with the cell's area A from the SNR now. Solved
    for SNR(k) = target, with ``q = snr^2 (S + B + r^2)``:
    ``k = (T^2 (S + B) + sqrt(T^4 (S + B)^2 + 4 q T^2 r^2)) / (2 q)``.

    Parameters
    ----------
    target_snr, snr
        As wanted, and as seen; both > 0.
    signal_e, background_e, read_noise_e
        Photo-electrons a pixel; signal > 0.

    References
    ----------
    The noise is that of `realtime.detections.snr_of_mean`; its solution for the light is our own.
    """
    light = signal_e + max(background_e, 0.0)
    dark = read_noise_e**2
    q = snr**2 * (light + dark)
    wanted = target_snr**2
    return (wanted * light + math.sqrt((wanted * light) ** 2 + 4 * q * wanted * dark)) / (2 * q)


@dataclass(slots=True)
class _Field:
    """What is remembered of a field of view.

    `safe` is the light of its last believed shot, `fading` how bright its cells have been.
    """

    asked: tuple[ChannelSettings, ...]
    trend: float = 0.0
    doubtful: int = 0
    safe: float = math.inf
    fading: Fading = field(default_factory=Fading)


class SnrPolicy:
    """Steers the light so that the median cell keeps its SNR.

    The photon model says how much light the target needs; that change is damped, bounded for one
    shot, and helped by an integral term. Within the deadband nothing moves. More light needs
    evidence: without a believed cell, with clipped pixels, with a number missing or with a network
    that is not trusted, the light is never raised; it is held, then lowered shot by shot (at once
    where pixels clip). Where trust is lost it first goes back to the last light that was believed,
    if that is less.

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

    name = "snr/3"

    def __init__(self, config: SnrConfig, first: Settings, read_noise_e: float) -> None:
        self._config, self._first = config, first
        self._read_noise_e = read_noise_e
        self._channel = config.channel or first.channels[0].channel
        names = [entry.channel for entry in first.channels]
        if self._channel not in names:
            raise ValueError(
                f"policy.channel is {self._channel!r}, but the plan has {', '.join(names)}"
            )
        self._start_light = light_of(first.of(self._channel))
        self._fields: dict[int, _Field] = {}

    def decide(self, seen: Observation) -> Decision:
        """Propose the light of the field's next shot."""
        field = self._fields.setdefault(seen.position, _Field(self._first.channels))
        now = self._now(seen, field)
        doubt = self._doubt(seen)
        inputs = {
            "snr": seen.snr,
            "target_snr": self._config.target_snr,
            "signal_e": seen.signal_e,
            "background_e": seen.background_e,
            "read_noise_e": self._read_noise_e,
            "n_confirmed": float(seen.n_confirmed),
            "saturated_fraction": seen.saturated_fraction,
            "light_now": self._light(now),
        }
        if doubt:
            field.fading.pass_by(self._light(now))
            channels, why = self._retreat(doubt, seen, field, now)
        else:
            channels, why = self._steer(seen, field, now, inputs)
        field.asked = channels
        inputs["light_next"] = self._light(channels)
        inputs["trend"] = field.trend
        return Decision(
            id=seen.shot,
            settings=msgspec.structs.replace(self._first, channels=channels),
            based_on=seen.seqs,
            inputs=inputs,
            reason=f"{why}: {self._change(now, channels)}",
            policy=self.name,
            has_evidence=not doubt,
        )

    def _now(self, seen: Observation, field: _Field) -> tuple[ChannelSettings, ...]:
        """Return the light that was really used; what was asked for, where that is not known."""
        used = {entry.channel: entry for entry in reversed(seen.applied) if _is_light(entry)}
        return tuple(
            ChannelSettings(a.channel, used[a.channel].exposure_ms, used[a.channel].power_fraction)
            if a.channel in used
            else a
            for a in field.asked
        )

    def _doubt(self, seen: Observation) -> str:
        """Return why this shot speaks for no light at all, in plain words; empty if it does."""
        numbers = (seen.snr, seen.signal_e, seen.background_e, seen.saturated_fraction)
        applied = [a for a in seen.applied if a.channel == self._channel]
        if not all(map(math.isfinite, numbers)):
            return "a measured number is missing"
        if not applied or not all(_is_light(a) and light_of(a) > 0 for a in applied):
            return f"the light of {self._channel} is not known"
        if seen.n_confirmed == 0:
            return "no cell was followed for long enough"
        if self._is_saturated(seen):
            return f"{100 * seen.saturated_fraction:.2g} % of the pixels are saturated"
        if not seen.trust.is_trusted:
            return f"the restored image is not trusted ({seen.trust.why})"
        if seen.snr <= 0 or seen.signal_e <= 0:
            return "no followed cell was seen in this shot"
        return ""

    def _retreat(
        self, doubt: str, seen: Observation, field: _Field, now: tuple[ChannelSettings, ...]
    ) -> tuple[tuple[ChannelSettings, ...], str]:
        """Return no more light than now: held, then lowered; and why."""
        field.doubtful += 1
        field.trend = 0.0
        light = self._light(now)
        if not seen.trust.is_trusted and field.safe < light:
            return self._scaled(field.safe, now), f"{doubt}, back to the last safe light"
        if field.doubtful <= self._config.hold_shots and not self._is_saturated(seen):
            return now, f"{doubt}, light held"
        config = self._config
        step = config.max_leap_down if self._is_saturated(seen) else config.max_step_down
        lower = max(light * step, min(light, config.least))
        shots = f" for {field.doubtful} shots" if field.doubtful > 1 else ""
        return self._scaled(lower, now), f"{doubt}{shots}, light lowered"

    def _is_saturated(self, seen: Observation) -> bool:
        """Whether pixels are clipped: that alone is too much light, and is lowered at once."""
        return seen.saturated_fraction > self._config.max_saturated_fraction

    def _steer(
        self,
        seen: Observation,
        field: _Field,
        now: tuple[ChannelSettings, ...],
        inputs: dict[str, float],
    ) -> tuple[tuple[ChannelSettings, ...], str]:
        """Return the light that the target needs and the cells' brightness allows, and why."""
        light, ceiling = self._light(now), field.fading.ceiling
        if not field.fading.odd_shots:  # what is given may be held
            ceiling = max(ceiling, light)
        field.doubtful, field.safe = 0, light
        wanted, why = self._wanted(seen, field, now, inputs)
        asked = self._light(now) if wanted is None else wanted
        need = light * inputs.get("light_factor", 1.0)
        fading = field.fading
        fading.see(seen.t_s, seen.signal_e / light, seen.n_confirmed, light, need)
        if fading.is_dimmer and fading.odd_shots > self._config.hold_shots:
            fading.lower(max(light * _ODD_STEP, min(light, self._config.least)))
        if math.isfinite(ceiling):
            inputs["light_ceiling"] = ceiling
        if asked <= ceiling:
            return (now if wanted is None else self._scaled(wanted, None)), why
        why = f"{why}, but {f'cells are {fading.why}' if fading.why else 'one shot is no evidence'}"
        return self._scaled(ceiling, now if ceiling <= light else None), why

    def _wanted(
        self,
        seen: Observation,
        field: _Field,
        now: tuple[ChannelSettings, ...],
        inputs: dict[str, float],
    ) -> tuple[float | None, str]:
        """Return the light that the target needs (None: the same), and why."""
        config, light = self._config, self._light(now)
        ratio = seen.snr / config.target_snr
        if abs(ratio - 1) <= config.deadband and all(map(config.allows, now)):
            return None, f"SNR {seen.snr:.1f} is at target {config.target_snr:g}"
        needed = light_factor(
            config.target_snr, seen.snr, seen.signal_e, seen.background_e, self._read_noise_e
        )
        inputs["light_factor"] = needed
        trend = min(max(field.trend - config.gain * math.log(ratio), -_MOST_TREND), _MOST_TREND)
        step = math.exp(config.damping * math.log(needed) + trend)
        if config.max_leap_down < step < config.max_step_up:
            field.trend = trend  # a bounded step says nothing about a trend
        if ratio >= 1:
            step = max(min(step, 1.0), config.max_leap_down)
            light = min(light, max(light * step, config.least), config.most)
        else:
            step = min(max(step, 1.0), config.max_step_up)
            light = min(light * step, config.most)
        side = "above" if ratio >= 1 else "below"
        return light, f"SNR {seen.snr:.1f} {side} target {config.target_snr:g}"

    def _light(self, channels: tuple[ChannelSettings, ...]) -> float:
        return next(light_of(c) for c in channels if c.channel == self._channel)

    def _scaled(
        self, light: float, most: tuple[ChannelSettings, ...] | None
    ) -> tuple[ChannelSettings, ...]:
        """Return all channels with the steered one at `light`; none above its light in `most`."""
        scale = light / self._start_light if self._start_light > 0 else 0.0
        wanted = [scale * light_of(start) for start in self._first.channels]
        if most is not None:
            wanted = [min(w, light_of(m)) for w, m in zip(wanted, most, strict=True)]
        pairs = zip(wanted, self._first.channels, strict=True)
        return tuple(self._config.settings(amount, start) for amount, start in pairs)

    def _change(self, now: tuple[ChannelSettings, ...], then: tuple[ChannelSettings, ...]) -> str:
        """Return what changes on the steered channel, as a person would say it."""
        a = next(c for c in now if c.channel == self._channel)
        b = next(c for c in then if c.channel == self._channel)
        words = []
        if not math.isclose(a.exposure_ms, b.exposure_ms, rel_tol=1e-3):
            words.append(f"exposure {a.exposure_ms:.3g} -> {b.exposure_ms:.3g} ms")
        if not math.isclose(a.power_fraction, b.power_fraction, rel_tol=1e-3):
            words.append(f"power {100 * a.power_fraction:.3g} -> {100 * b.power_fraction:.3g} %")
        return ", ".join(words) or f"exposure stays at {a.exposure_ms:.3g} ms"


def _is_light(entry: Applied) -> bool:
    """Whether exposure and power are numbers that light can have."""
    values = (entry.exposure_ms, entry.power_fraction)
    return all(math.isfinite(v) and v >= 0 for v in values)
