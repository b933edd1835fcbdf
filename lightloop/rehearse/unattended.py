"""A run that nobody watches: how much it may do where only software would end its light."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightloop.config import ConfigError, MicroManagerConfig

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from lightloop.predict.prediction import Prediction


def check_unattended(config: RunConfig, prediction: Prediction, name: str) -> None:
    """Refuse a run without a person above its bound, unless hardware would end every light too.

    Software is no interlock: a guard and its keeper die with the computer. A simulated light ends
    with its process.

    Raises
    ------
    ConfigError
        Says which bound, and which lights have nothing but software.
    """
    if not isinstance(config.scope, MicroManagerConfig):
        return
    bound, bare = config.unattended, _bare(config)
    too_much = []
    if prediction.host_s > 3600 * bound.max_hours:
        too_much.append(
            f"it takes {prediction.host_s / 3600:.3g} h, and unattended.max_hours is "
            f"{bound.max_hours:g}"
        )
    for given in prediction.lights:
        most = min(given.most_dose, given.budget)  # the guard stops at the budget
        if given.light in bare and bound.max_j_cm2 is not None and most > bound.max_j_cm2:
            too_much.append(
                f"light {given.light!r} may give {most:.4g} {given.unit}, and "
                f"unattended.max_j_cm2 is {bound.max_j_cm2:g}"
            )
    if bare and too_much:
        lights = " and ".join(map(repr, bare))
        raise ConfigError(
            f"{name}: nobody watches this run: {'; '.join(too_much)}; and only software would end "
            f'light {lights}. If hardware ends it too, declare it: interlock = "camera TTL" or '
            '"source time-out" of the [[light]]. Else stay: open the window, or say --attended'
        )


def only_software(config: RunConfig) -> str:
    """Say which lights nothing but programs would end, and what that leaves; empty if none."""
    if not (isinstance(config.scope, MicroManagerConfig) and (bare := _bare(config))):
        return ""
    return (
        f"only programs end light {' and '.join(map(repr, bare))}: if scope, keeper and supervisor "
        "all stand still at once, or the computer does, what is on stays on, and no program can "
        "help: only a time-out in the source or a trigger line of the camera can (interlock)"
    )


def _bare(config: RunConfig) -> list[str]:
    used = {channel.light for channel in config.channel}
    return [s.name for s in config.light if s.name in used and s.is_switchable and not s.interlock]
