"""What a run would take before it is run: shots, time, light on the sample, disk, bleaching."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from acquire.simulated.config import SimulatedScopeConfig
from acquire.stand.focus_search import heights_um
from lightloop.plan_counts import count_plan
from lightloop.plan_skips import skips_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightloop.config import LightConfig, RunConfig

CODEC_RATIO = (
    2.7  # low-light images with zstd level 1 and byte shuffle; measured, see run_file/codec
)
BYTES_PER_FRAME_BESIDE_PIXELS = 2_000  # a frame's documents in the journal, and its row


class LightPrediction(msgspec.Struct, frozen=True):
    """One light line, for one field of view, over the whole run.

    Attributes
    ----------
    dose, most_dose
        As the guard sets it aside: with the first settings held throughout, and with the longest
        and strongest exposures that the limits allow (the guard stops at the budget). `unit` is
        "J/cm2" or "relative".
    on_s
        Time that the light is on, s.
    audit_dose
        What second looks take of `dose`, for audits.
    saved_dose
        What skipped planes save of `dose` at most; at least nothing, where all stacks are whole.
    """

    light: str
    dose: float
    most_dose: float
    budget: float
    unit: str
    on_s: float
    audit_dose: float = 0.0
    saved_dose: float = 0.0

    @property
    def is_over_budget(self) -> bool:
        """Whether the first settings alone would take more than the budget."""
        return not self.dose <= self.budget  # NaN is over


class Prediction(msgspec.Struct, frozen=True):
    """A whole run.

    Attributes
    ----------
    experiment_s, host_s
        Length of the experiment, and the least time that it takes on this machine.
    disk_bytes, raw_bytes
        Run file with and without the codec's compression.
    bleached_fraction
        Share of the dye that the light alone would bleach; None where nobody knows the dye.
    """

    frames: int
    shots: int
    fields: int
    experiment_s: float
    host_s: float
    lights: tuple[LightPrediction, ...]
    raw_bytes: int
    disk_bytes: int
    bleached_fraction: float | None = None


def predict(config: RunConfig, frames: int = 0, chip: tuple[int, int] | None = None) -> Prediction:
    """Predict a run from its plan and its first settings.

    Parameters
    ----------
    frames
        End early, after the shot that holds this many frames; 0 takes the whole plan.
    chip
        Rows and columns of the camera, where the config does not tell; None counts no pixels.
    """
    plan = count_plan(config.sequence(), config.loop.audit_every_shots)
    burst, weight = config.loop.burst_frames, _burst_weight(config)
    each = burst * plan.frames / plan.shots  # on average: not every shot has every channel
    shots = min(plan.shots, math.ceil(frames / each)) if frames else plan.shots
    share = shots / plan.shots
    taken = [
        {c: weight * math.ceil(n * share) for c, n in field.items()} for field in plan.exposures
    ]
    last = math.ceil(shots * plan.times / plan.shots) - 1
    exposures_ms = {c.name: c.exposure_ms for c in config.channel}
    exposed_s = sum(n * exposures_ms[c] for field in taken for c, n in field.items()) * 1e-3
    experiment_s = max(_start_s(config, last), exposed_s)
    is_simulated = config.loop.clock == "simulated"
    if isinstance(config.scope, SimulatedScopeConfig):
        chip = (config.scope.height, config.scope.width)
    pixels = 2 * chip[0] * chip[1] if chip is not None else 0
    total = min(burst * plan.frames, math.ceil(shots * each))
    searches = math.ceil(max(plan.searches) * share) if config.focus.method == "software" else 0
    again = [{c: math.ceil(n * share) for c, n in field.items()} for field in plan.again]
    saved = [
        _left_out(config, *both, share) for both in zip(plan.exposures, plan.again, strict=True)
    ]
    lights = tuple(
        msgspec.structs.replace(
            _light(config, one, taken, searches, experiment_s),
            audit_dose=max(_given(config, one, field) for field in again),
            saved_dose=max(_given(config, one, field) for field in saved),
        )
        for one in config.light
    )
    return Prediction(
        frames=total,
        shots=shots,
        fields=len(plan.exposures),
        experiment_s=experiment_s,
        host_s=shots * config.loop.pace_s if is_simulated else experiment_s,
        lights=lights,
        raw_bytes=total * pixels,
        disk_bytes=int(total * (pixels / CODEC_RATIO + BYTES_PER_FRAME_BESIDE_PIXELS)),
        bleached_fraction=_bleached(config, last + 1, taken[0]),
    )


def _left_out(
    config: RunConfig, taken: Mapping[str, int], again: Mapping[str, int], share: float
) -> dict[str, int]:
    """Return how many exposures of a field skipped planes save at most, by channel."""
    planes, first = skips_of(config), config.channel[0].name
    if planes is None:
        return {}
    of_stack = len(planes.planes_um)
    stacks = math.ceil((taken[first] - again[first]) * share / of_stack)
    audits = math.ceil(again[first] * share / of_stack)
    return {first: planes.most_left_out(stacks) + audits * len(planes.skipped)}


def _burst_weight(config: RunConfig) -> float:
    """Return how many exposures like the first one a burst of the loop amounts to."""
    ramp = config.loop.ramp()
    return sum(math.prod(ramp.shares(frame)) for frame in range(config.loop.burst_frames))


def _start_s(config: RunConfig, number: int) -> float:
    """Return when a time point begins, s of the experiment."""
    plan: Any = config.sequence().time_plan
    if plan is None:
        return 0.0
    start = 0.0
    for count, time_s in enumerate(plan):
        start = float(time_s)
        if count >= number:
            break
    return start


def _light(
    config: RunConfig,
    light: LightConfig,
    taken: Sequence[Mapping[str, float]],
    searches: int,
    experiment_s: float,
) -> LightPrediction:
    """Return what one light gives to the field that gets most of it.

    Parameters
    ----------
    taken
        Exposures of each channel, for each field; a burst is as many as its light amounts to.
    searches
        Software searches of the focus, at most, in a field.
    """
    channels = [c for c in config.channel if c.light == light.name]
    limits = light.limits
    searched_s, searched = _searched(config, light, searches)
    on_s = dose = exposures = 0.0
    for field in taken:
        per_channel = [(field.get(c.name, 0), c) for c in channels]
        on_s = max(on_s, sum(n * _on_s(config, light, c.exposure_ms) for n, c in per_channel))
        exposures = max(exposures, sum(n for n, _ in per_channel))
        dose = max(dose, _given(config, light, field))
    strongest = light.irradiance_w_cm2(limits.max_power_fraction)
    longest_s = exposures * _on_s(config, light, limits.max_exposure_ms)
    if not light.is_switchable:  # nobody blanks it: it shines all the time, at its maximum
        on_s = longest_s = experiment_s
        strongest = light.irradiance_w_cm2(1.0)
        dose, searched, searched_s = strongest * experiment_s, 0.0, 0.0
    return LightPrediction(
        light.name,
        dose + searched,
        strongest * longest_s + searched,
        limits.budget_j_cm2,
        "J/cm2" if light.is_calibrated else "relative",
        on_s + searched_s,
    )


def _given(config: RunConfig, light: LightConfig, exposures: Mapping[str, float]) -> float:
    """Return the dose of so many exposures of each channel, with the first settings."""
    return sum(
        exposures.get(c.name, 0)
        * light.irradiance_w_cm2(c.power_fraction)
        * _on_s(config, light, c.exposure_ms)
        for c in config.channel
        if c.light == light.name and light.is_switchable
    )


def _searched(config: RunConfig, light: LightConfig, searches: int) -> tuple[float, float]:
    """Return how long the searches of the focus light a field, s, and their dose."""
    rules = config.focus
    channel = next((c for c in config.channel if c.name == rules.channel), config.channel[0])
    if not searches or channel.light != light.name:
        return 0.0, 0.0
    images = searches * len(heights_um(rules.range_um, rules.step_um))
    on_s = images * _on_s(config, light, rules.exposure_ms)
    dose = light.irradiance_w_cm2(rules.power_fraction) * on_s
    most = rules.budget_share * light.limits.budget_j_cm2
    return (on_s, dose) if dose <= most else (on_s * most / dose, most)


def _on_s(config: RunConfig, light: LightConfig, exposure_ms: float) -> float:
    """Return the time that the guard sets aside for one exposure, s (`acquire.light.lease`)."""
    on_ms = light.on_ms(exposure_ms)
    if light.gate not in ("camera", "sequencer"):
        on_ms += light.settle_ms + light.open_delay_ms + light.close_delay_ms
        on_ms += config.guard.switch_allowance_ms
    return on_ms * 1e-3


def _bleached(config: RunConfig, times: int, taken: Mapping[str, float]) -> float | None:
    """Return the share that the worst of the dyes loses; None where nobody knows the dyes.

    Each shot leaves exp(-d) of a population and a rest between shots makes dye anew, so after n
    shots the share is b + (1 - b) (r exp(-d))^n, with r = exp(-interval / recovery) and the steady
    state b = (1 - r) / (1 - r exp(-d)).
    """
    if not isinstance(config.scope, SimulatedScopeConfig):
        return None
    from acquire.simulated.photophysics.photophysics import Photophysics

    lights = {light.name: light for light in config.light}
    first, *others = config.scope.all_lines()
    lines = {line.name: line for line in others}
    decays: dict[str, float] = {}  # of the slow population of each line's dye in one shot
    for channel in config.channel:
        line = lines.get(lights[channel.light].power_device or "", first)
        irradiance = channel.power_fraction * line.max_irradiance_w_cm2
        planes = taken.get(channel.name, 0) / times
        dose = irradiance * planes * lights[channel.light].on_ms(channel.exposure_ms) * 1e-3
        rate = float(Photophysics.of(config.scope, line).bleach_rate_per_j_cm2(irradiance))
        decays[line.name] = decays.get(line.name, 0.0) + rate * dose
    interval_s = _start_s(config, times - 1) / max(1, times - 1)
    rest = math.exp(-interval_s / (config.scope.recovery_h * 3600.0))
    return 1.0 - min(_dye_left(decay, rest, times) for decay in decays.values())


def _dye_left(slow: float, rest: float, times: int) -> float:
    """Return the share of a dye that is left after shots that each bleach, with rests between."""
    from acquire.simulated.photophysics.photophysics import FAST_RATIO, FAST_SHARE

    left = 0.0
    for share, decay in ((1.0 - FAST_SHARE, slow), (FAST_SHARE, FAST_RATIO * slow)):
        kept = rest * math.exp(-decay)
        steady = (1.0 - rest) / (1.0 - kept) if kept < 1.0 else 1.0
        left += share * (steady + (1.0 - steady) * kept**times)
    return left
