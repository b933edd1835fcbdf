"""The config in a simulated movie: the same microscope, and a run that may begin."""

from __future__ import annotations

from typing import get_args

import pytest

from acquire.simulated.config import SimulatedScopeConfig
from acquire.simulated.movie import Movie
from acquire.simulated.presets import PresetName, preset
from lightloop.check.checks import check_run
from lightloop.cli.simulate import PRESETS
from lightloop.config import parse
from lightloop.movie_config import config_of
from lightloop.predict.prediction import predict


@pytest.mark.parametrize("name", get_args(PresetName))
@pytest.mark.parametrize(("planes", "power"), [(1, 0.2), (5, 1.0)])
def test_the_config_describes_the_movie(name: PresetName, planes: int, power: float) -> None:
    movie = Movie(preset(name, 7), 4, 30.0, 150.0, power, planes, 1.5)
    config = parse(config_of(movie, name))
    assert config.scope == movie.config
    check_run(config, predict(config), "movie")
    assert predict(config).frames == movie.n_frames
    for light, line in zip(config.light, movie.config.all_lines(), strict=True):
        assert light.irradiance_w_cm2(1.0) == pytest.approx(line.max_irradiance_w_cm2)
        assert light.is_calibrated


def test_a_specimen_of_no_preset_has_no_config() -> None:
    assert config_of(Movie(SimulatedScopeConfig(), 1, 1.0, 1.0, 1.0), "mine") == ""


def test_the_help_names_every_preset() -> None:
    assert PRESETS.split(", ") == list(get_args(PresetName))
