"""Light against result: how well cells are followed, and how true images are, for how much dose.

Three ways of working film the same specimens. *Gaussian*: fixed light, and a Gaussian filter whose
width, with the detector's threshold, was tuned for that light on other seeds. *Network*: the same
frames through the shipped pipeline, untuned. *Policy*: the shipped pipeline, and the `snr` policy
decides on the light. All light goes through the guard and is booked; light harms and bleaches.

Sabotage: the network is shown each frame with its pixels shuffled.
"""

from __future__ import annotations

from importlib.resources import files
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acquire.plan.plan import plan_shots
from acquire.settings import Settings
from lightloop.bench.light_curve import Sums, dose_ratio, draws
from lightloop.bench.light_jobs import Job, Look, take_all
from lightloop.bench.light_table import table
from lightloop.bench.light_truth import divisions, unlit
from lightloop.bench.light_watch import QUARTERS
from lightloop.bench.light_way import Way, samples
from lightloop.bench.report import Measured, Options
from lightloop.config import ConfigError, RunConfig, parse
from realtime.policy.light import LightRange
from realtime.policy.snr import SnrConfig

if TYPE_CHECKING:
    from lightloop.bench.light_watch import Watched

SEEDS = (1, 2, 3)
TUNING_SEEDS = (101, 102)
SHOTS = 120  # ten hours
TUNING_SHOTS = 60
DOSES_J_CM2 = (3e-5, 5e-5, 7e-5, 1e-4, 1.5e-4, 2e-4, 4e-4, 2e-3, 0.02, 0.1, 0.3, 1.0)
"""Of one exposure; the operator's usual one is 0.02."""
SIGMAS_PX = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
THRESHOLDS = (3.5, 5.0, 8.0)
"""The detector's `threshold_sigma`; shipped is the one of 0.05 false alarms a frame, about 5."""
GRID = tuple(product(SIGMAS_PX, THRESHOLDS))
TARGETS_SNR = (6.0, 8.0, 12.0, 20.0, 40.0)
"""Of the policy; its default is 8, the demo's 15."""
LEVEL = 0.95
"""The edge F1 at which doses are compared."""
WIDE = LightRange(
    min_exposure_ms=1.0, max_exposure_ms=1000.0, min_power_fraction=1e-4, max_power_fraction=1.0
)


class Size(NamedTuple):
    """How much of everything: the whole bench, or a small part of it for tests."""

    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...]
    shots: int
    tuning_shots: int
    doses: tuple[float, ...]
    targets: tuple[float, ...]

    @classmethod
    def of(cls, options: Options) -> Size:
        """Return all of it at scale 1; below, one seed, fewer shots, and the brightest doses."""
        if options.scale >= 1.0:
            return cls(SEEDS, TUNING_SEEDS, SHOTS, TUNING_SHOTS, DOSES_J_CM2, TARGETS_SNR)
        shots = options.times(SHOTS, least=8)
        return cls(SEEDS[:1], TUNING_SEEDS[:1], shots, 6, (2e-4, 2e-3), TARGETS_SNR[-1:])


class Tuned(NamedTuple):
    """What the rival was given for one dose: for following cells, and for the truest image."""

    sigma_px: float
    threshold: float
    image_sigma_px: float


def run(options: Options) -> Measured:
    """Film, follow, and compare.

    Raises
    ------
    ConfigError
        Without `--thin`: the full bench does not exist yet.
    """
    if not options.thin:
        raise ConfigError("bench light has only its thin form yet: add --thin")
    size = Size.of(options)
    config = parse(files("lightloop.bench").joinpath("light.toml").read_text("utf-8"), "light.toml")
    twins = [_twin(config.with_seed(seed), size.shots) for seed in size.seeds]
    is_small = options.scale < 1.0
    tuning = [_tuning(config, dose, size) for dose in size.doses]
    films = _take(tuning, in_this_process=is_small)
    tuned = [_best(seeds) for seeds in films]
    pairs = zip(size.doses, tuned, strict=True)
    jobs = [_fixed(config, dose, best, size, options) for dose, best in pairs]
    jobs += [_steered(config, target, size, options) for target in size.targets]
    films = _take(jobs, in_this_process=is_small)
    fixed, steered = films[: len(tuned)], films[len(tuned) :]
    drawn = draws(QUARTERS * len(size.seeds))
    names = [f"{dose:.3g}" for dose in size.doses]
    tuned_names = [f"{name}: {_words(t)}" for name, t in zip(names, tuned, strict=True)]
    raw = Way("Gaussian", tuned_names, fixed, (0, 2), size.shots)
    network = Way("network", names, fixed, (1, 1), size.shots)
    policy = Way("policy", [f"SNR {t:g}" for t in size.targets], steered, (0, 0), size.shots)
    curves = [way.curve(sum(twins), drawn) for way in (raw, network, policy)]
    ratios = {
        "processing": dose_ratio(LEVEL, raw.course, network.course, drawn),
        "feedback": dose_ratio(LEVEL, network.course, policy.course, drawn),
        "total": dose_ratio(LEVEL, raw.course, policy.course, drawn),
    }
    bills = [watched.bill for setting in (*fixed, *steered) for watched in setting]
    off = [abs(b.booked_j_cm2 / b.metered_j_cm2 - 1.0) for b in bills]
    best = max(point.edge_f1.value for point in curves[1].points)
    return Measured(
        {"light_best_edge_f1": best, "light_ledger_error": max(off)},
        samples(curves, ratios),
        table(curves, ratios, LEVEL),
    )


def _twin(config: RunConfig, shots: int) -> int:
    """Return how many cells divide in the field where nobody ever looks."""
    assert config.scope.kind == "simulated"
    planned = islice(plan_shots(config.sequence()), shots)
    return divisions(unlit(config.scope, [shot.min_start_s for shot in planned]))


def light(config: RunConfig, dose_j_cm2: float) -> Settings:
    """Return the settings whose exposure gives a dose; the power stays where it can."""
    source, start = config.light[0], config.first_settings().channels[0]
    per_ms = source.dose_j_cm2(1.0, 1.0)
    return Settings((WIDE.settings(dose_j_cm2 / per_ms, start),))


def _fixed_config(config: RunConfig, threshold: float | None = None) -> RunConfig:
    from realtime.policy.fixed import FixedConfig

    update: dict[str, object] = {"policy": FixedConfig()}
    if threshold is not None:
        update["detect"] = config.detect.model_copy(update={"threshold_sigma": threshold})
    return config.model_copy(update=update)


def _take(settings: list[list[Job]], *, in_this_process: bool) -> list[list[Watched]]:
    """Take the films of all settings, and return them by setting."""
    jobs = [job for setting in settings for job in setting]
    films = iter(take_all(jobs, in_this_process=in_this_process))
    return [[next(films) for _ in setting] for setting in settings]


def _tuning(config: RunConfig, dose_j_cm2: float, size: Size) -> list[Job]:
    """Return the films on which the rival is tuned, each before everything on the grid."""
    first = light(config, dose_j_cm2)
    jobs = []
    for seed in size.tuning_seeds:
        one = config.with_seed(seed)
        looks = tuple(Look(_fixed_config(one, level), sigma) for sigma, level in GRID)
        name = f"tuning at {dose_j_cm2:.3g} J/cm2, seed {seed}"
        jobs.append(Job(name, one, first, size.tuning_shots, looks))
    return jobs


def _best(films: list[Watched]) -> Tuned:
    """Return what served the rival best."""
    units = np.arange(QUARTERS * len(films))
    by_look = zip(*(watched.verdicts for watched in films), strict=True)
    sums = [Sums.of(verdicts) for verdicts in by_look]
    worth = [np.nan_to_num(s.edge_f1(units)) + np.nan_to_num(s.division_f1(units)) for s in sums]
    errors = [s.error_e(units) for s in sums]
    return Tuned(*GRID[int(np.argmax(worth))], GRID[int(np.argmin(errors))][0])


def _fixed(
    config: RunConfig, dose_j_cm2: float, tuned: Tuned, size: Size, options: Options
) -> list[Job]:
    """Return films at a fixed light, before the rival's eyes and the network's."""
    jobs = []
    for seed in size.seeds:
        one = config.with_seed(seed)
        rival = _fixed_config(one, tuned.threshold)
        looks = (
            Look(rival, tuned.sigma_px),
            Look(_fixed_config(one), is_blind=options.sabotage),
            Look(rival, tuned.image_sigma_px),
        )
        name = f"fixed light, {dose_j_cm2:.3g} J/cm2, seed {seed}"
        jobs.append(Job(name, one, light(config, dose_j_cm2), size.shots, looks))
    return jobs


def _steered(config: RunConfig, target_snr: float, size: Size, options: Options) -> list[Job]:
    """Return films whose light the policy decides, from the operator's light on."""
    jobs = []
    for seed in size.seeds:
        policy = SnrConfig(target_snr=target_snr)
        one = config.with_seed(seed).model_copy(update={"policy": policy})
        looks = (Look(one, is_blind=options.sabotage),)
        name = f"policy, SNR {target_snr:g}, seed {seed}"
        jobs.append(Job(name, one, one.first_settings(), size.shots, looks))
    return jobs


def _words(tuned: Tuned) -> str:
    return f"{tuned.sigma_px:g} px, {tuned.threshold:g} sigma; image {tuned.image_sigma_px:g} px"
