"""What can be refused before any light is given: one sentence says what, and what to do."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lightloop.build.kinds import check_kinds
from lightloop.config import ConfigError

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from lightloop.predict.prediction import Prediction


def check_run(config: RunConfig, prediction: Prediction, name: str) -> None:
    """Refuse a run that its own limits or budget forbid.

    Raises
    ------
    ConfigError
        If the first settings are out of a light's limits, or would pass its budget, or the plan
        goes back in time.
    """
    lights = {light.name: light for light in config.light}
    for channel in config.channel:
        light = lights[channel.light]
        limits = light.limits
        if not limits.min_exposure_ms <= channel.exposure_ms <= limits.max_exposure_ms:
            raise ConfigError(
                f"{name}: channel {channel.name!r}: exposure_ms is {channel.exposure_ms:g}, but "
                f"light {light.name!r} allows {limits.min_exposure_ms:g} to "
                f"{limits.max_exposure_ms:g} ms"
            )
        if channel.power_fraction > limits.max_power_fraction:
            raise ConfigError(
                f"{name}: channel {channel.name!r}: power_fraction is {channel.power_fraction:g}, "
                f"but light {light.name!r} allows at most {limits.max_power_fraction:g}"
            )
    times: Any = config.sequence().time_plan or ()
    for before, after in pairwise(times):
        if after < before:
            raise ConfigError(
                f"{name}: plan.time_plan goes back in time, from {before:g} to {after:g} s; an "
                "interval is 0 s or more"
            )
    for given in prediction.lights:
        if given.is_over_budget:
            raise ConfigError(
                f"{name}: over budget: {prediction.shots} shots would give each field "
                f"{given.dose:.4g} {given.unit} of light {given.light!r}, and budget_j_cm2 is "
                f"{given.budget:.4g}; take fewer or weaker exposures, or raise the budget"
            )


def check_network(config: RunConfig, name: str) -> None:
    """Look at each network and classifier of a config: it is there, whole, made for the task.

    Raises
    ------
    ConfigError
        If it is not.
    """
    from lightloop.build.pipeline import load_package
    from models.errors import ModelError

    wanted = config.network
    named = {"denoise": wanted.denoise, "superres": wanted.superres, "axial": wanted.axial}
    for task, package in named.items():
        try:
            if package:
                load_package(package, task)
        except ModelError as error:
            raise ConfigError(f"{name}: network.{task}: {error}") from error
    check_kinds(config, name)


def check_policy(config: RunConfig, name: str) -> None:
    """Make the policy that the config names; one of the user's own is loaded and run for it.

    Raises
    ------
    ConfigError
        If its file is missing or fails, or it asks for a channel that the plan does not have.
    """
    from lightloop.build.pipeline import build_policy

    try:
        build_policy(config, config.first_settings(), config.camera.read_noise_e)
    except ValueError as error:
        raise ConfigError(f"{name}: policy: {error}") from error
