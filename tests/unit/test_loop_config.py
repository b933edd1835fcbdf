from __future__ import annotations

import pytest

from acquire.loop.burst import Ramp
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.predict.prediction import predict
from tests.run_helpers import SMALL

BURST = 'mode = "burst"\nburst_frames = 4\nburst_exposures = [1.0, 0.5]\nburst_powers = [1, 0.2]'


def config(loop: str, clock: str = "simulated") -> RunConfig:
    return parse(SMALL.replace('clock = "simulated"\n', f'clock = "{clock}"\n{loop}\n'))


def test_a_run_waits_for_each_decision_unless_it_says_otherwise() -> None:
    assert parse(SMALL).loop.mode == "event"
    assert config(BURST).loop.ramp() == Ramp((1.0, 0.5), (1.0, 0.2))
    assert config('mode = "stream"', "host").loop.lag_frames == 1


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        ("burst_frames = 4", r"burst_frames is for mode = .burst."),
        ("burst_powers = [1.0]", r"burst_powers is for mode = .burst."),
        ('mode = "burst"', "a burst has 2 frames or more"),
        ('mode = "burst"\nburst_frames = 33', "half of the ring"),
        ('mode = "burst"\nburst_frames = 4\nburst_exposures = [0.5]', "begin with 1"),
        ('mode = "burst"\nburst_frames = 4\nburst_powers = [1.0, 1.5]', "less than or equal to 1"),
        ('mode = "stream"', "needs clock = .host."),
        ('mode = "strem"', "did you mean 'stream'"),
    ],
)
def test_a_mode_that_is_not_meant_is_refused_in_words(loop: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(loop)


def test_a_burst_is_predicted_frame_by_frame() -> None:
    one, burst = predict(parse(SMALL)), predict(config(BURST))
    assert burst.shots == one.shots
    assert burst.frames == 4 * one.frames
    assert burst.raw_bytes == 4 * one.raw_bytes
    assert burst.lights[0].dose == pytest.approx(one.lights[0].dose * (2 + 2 * 0.5 * 0.2))
    assert predict(config(BURST), 8).shots == 2
