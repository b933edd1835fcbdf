"""The light that a run would give to a field: of its exposures, and of its searches for focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acquire.stand.focus_search import heights_um

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightloop.config import LightConfig, RunConfig


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


def predict_light(
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
        dose = max(dose, given_dose(config, light, field))
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


def given_dose(config: RunConfig, light: LightConfig, exposures: Mapping[str, float]) -> float:
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
