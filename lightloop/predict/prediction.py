"""What a run would take before it is run: shots, time, light on the sample, disk, bleaching."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from acquire.simulated.config import SimulatedScopeConfig
from lightloop.predict.bleaching import bleached_fraction
from lightloop.predict.counts import count_plan
from lightloop.predict.light import LightPrediction, given_dose, predict_light
from lightloop.predict.skips import skips_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightloop.config import RunConfig
    from lightloop.predict.counts import PlanCounts

CODEC_RATIO = (
    2.7  # low-light images with zstd level 1 and byte shuffle; measured, see run_file/codec
)
BYTES_PER_FRAME_BESIDE_PIXELS = 2_000  # a frame's documents in the journal, and its row


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
    times = math.ceil(shots * plan.times / plan.shots)
    last_s = _start_s(config, times - 1)
    exposures_ms = {c.name: c.exposure_ms for c in config.channel}
    exposed_s = sum(n * exposures_ms[c] for field in taken for c, n in field.items()) * 1e-3
    experiment_s = max(last_s, exposed_s)
    is_simulated = config.loop.clock == "simulated"
    if isinstance(config.scope, SimulatedScopeConfig):
        chip = (config.scope.height, config.scope.width)
    pixels = 2 * chip[0] * chip[1] if chip is not None else 0
    total = min(burst * plan.frames, math.ceil(shots * each))
    return Prediction(
        frames=total,
        shots=shots,
        fields=len(plan.exposures),
        experiment_s=experiment_s,
        host_s=shots * config.loop.pace_s if is_simulated else experiment_s,
        lights=_lights(config, plan, taken, share, experiment_s),
        raw_bytes=total * pixels,
        disk_bytes=int(total * (pixels / CODEC_RATIO + BYTES_PER_FRAME_BESIDE_PIXELS)),
        bleached_fraction=bleached_fraction(config, times, last_s / max(1, times - 1), taken[0]),
    )


def _lights(
    config: RunConfig,
    plan: PlanCounts,
    taken: Sequence[Mapping[str, float]],
    share: float,
    experiment_s: float,
) -> tuple[LightPrediction, ...]:
    """Return every light of a run that takes a share of its plan, and what of it is for audits."""
    searches = math.ceil(max(plan.searches) * share) if config.focus.method == "software" else 0
    again = [{c: math.ceil(n * share) for c, n in field.items()} for field in plan.again]
    saved = [
        _left_out(config, *both, share) for both in zip(plan.exposures, plan.again, strict=True)
    ]
    return tuple(
        msgspec.structs.replace(
            predict_light(config, one, taken, searches, experiment_s),
            audit_dose=max(given_dose(config, one, field) for field in again),
            saved_dose=max(given_dose(config, one, field) for field in saved),
        )
        for one in config.light
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
