"""What a run may do with nobody there."""

from __future__ import annotations

from importlib.resources import files

import pytest

from lightloop.config import ConfigError, RunConfig, parse
from lightloop.predict.prediction import predict
from lightloop.rehearse.unattended import check_unattended, only_software

TEXT = files("configs").joinpath("demo-camera.toml").read_text("utf-8")
DEMO = files("configs").joinpath("demo.toml").read_text("utf-8")
LONG = TEXT.replace("loops = 50", "loops = 50_000").replace(
    "budget_j_cm2 = 20.0", "budget_j_cm2 = 1e6"
)
GATED = LONG.replace('gate = "software"', 'gate = "camera"\ninterlock = "camera TTL"')


def checked(config: RunConfig) -> None:
    check_unattended(config, predict(config), "scope.toml")


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        GATED,
        LONG.replace('gate = "software"', 'gate = "software"\ninterlock = "source time-out"'),
        LONG + "\n[unattended]\nmax_hours = 4\n",
        DEMO.replace("loops = 300", "loops = 30000").replace(
            'clock = "simulated"', 'clock = "host"'
        ),
    ],
    ids=["short", "camera TTL", "source time-out", "bound raised", "simulated light"],
)
def test_a_run_goes_on_without_a_person_that(text: str) -> None:
    checked(parse(text))


def test_a_long_run_with_only_software_is_refused_and_told_what_to_do() -> None:
    with pytest.raises(ConfigError) as refused:
        checked(parse(LONG))
    text = str(refused.value)
    for part in ("2.78 h", "unattended.max_hours is 1", "'white'", "interlock", "--attended"):
        assert part in text


def test_a_dose_above_its_bound_is_refused_too_however_short_the_run() -> None:
    config = parse(TEXT + "\n[unattended]\nmax_j_cm2 = 0.5\n")
    with pytest.raises(ConfigError, match=r"may give 5.* and unattended.max_j_cm2 is 0.5"):
        checked(config)


def test_a_trigger_line_of_the_camera_is_no_interlock_of_light_that_it_does_not_gate() -> None:
    with pytest.raises(ConfigError, match="trigger line of the camera"):
        parse(LONG.replace('gate = "software"', 'gate = "software"\ninterlock = "camera TTL"'))


def test_light_that_only_programs_end_is_named_and_what_would_end_it() -> None:
    said = only_software(parse(TEXT))
    for part in ("'white'", "scope, keeper and supervisor", "time-out in the source", "interlock"):
        assert part in said
    assert not only_software(parse(GATED))
    assert not only_software(parse(DEMO)), "simulated light ends with its process"
