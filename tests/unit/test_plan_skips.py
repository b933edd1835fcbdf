"""Which plans allow planes to be skipped, what `check` says of it, and what a run tells of it."""

from __future__ import annotations

import pytest

from lightloop.build.pictures import pictures_a_shot
from lightloop.build.pipeline import build_policy
from lightloop.check.words import notes
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.predict.prediction import predict
from lightloop.predict.skips import skips_of
from realtime.policy import SnrPolicy
from realtime.policy.observation import Observation, StackSeen, Trust
from realtime.telling.plane_summary import FieldPlanes, summarize_planes
from realtime.wire import Result, StepTimes, Tracks
from tests.run_helpers import SMALL

Z = "z_plan = { range = 4.0, step = 0.5 }"
STACKS = SMALL.replace("loops = 5000 }", f"loops = 20 }}\n{Z}").replace(
    "[policy]", "#more\n[policy]"
)
SECOND = '[[channel]]\nname = "RFP"\nlight = "488"\nexposure_ms = 20.0\n'


def config(network: str = "axial_skip = 2", more: str = "", z_plan: str = Z) -> RunConfig:
    axial = 'denoise = ""\naxial = "axial-fast"\n' if network else 'denoise = ""\n'
    text = STACKS.replace('denoise = ""\n', axial + network + "\n").replace(Z, z_plan)
    return parse(text.replace("#more\n", more))


def test_planes_are_skipped_only_where_it_is_asked_for() -> None:
    assert skips_of(config("")) is None
    plain = config("")
    assert build_policy(plain, plain.first_settings(), 1.0).name == SnrPolicy.name
    assert predict(plain).lights[0].saved_dose == 0
    skips = config()
    planes = skips_of(skips)
    assert planes is not None
    assert planes.kept == (0, 2, 4, 6, 8)
    assert build_policy(skips, skips.first_settings(), 1.0).name == f"{SnrPolicy.name}+planes/2"
    assert pictures_a_shot(skips) >= len(planes.skipped)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"more": SECOND}, "set do_stack = false in channel 'RFP'"),
        ({"z_plan": "z_plan = { absolute = [1, 2, 3, 4, 5] }"}, "absolute heights"),
        ({"z_plan": "z_plan = { relative = [1, 2, 3, 4, 6] }"}, "evenly spaced"),
        ({"z_plan": "z_plan = { range = 1.0, step = 0.5 }"}, "needs 5 planes or more"),
        ({"z_plan": "z_plan = { range = 130.0, step = 1.0 }"}, "for 128 planes at most"),
        ({"z_plan": ""}, "needs one z_plan for the whole plan, and it has none"),
        (
            {"z_plan": f"{Z}\nstage_positions = [{{ x = 0, sequence = {{ {Z} }} }}]"},
            "plan.stage_positions.0 has one of its own",
        ),
        ({"network": "axial_skip = 3"}, "a step up of 2.25 times"),
        ({"network": "axial_check_every = 3"}, "axial_check_every is for planes that are skipped"),
        ({"network": "axial_skip = 4"}, "less than or equal to 3"),
    ],
)
def test_a_plan_whose_planes_cannot_be_skipped_is_refused_before_light(asked, says) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**asked)
    assert says in str(caught.value)


def test_without_a_network_no_plane_is_skipped() -> None:
    with pytest.raises(ConfigError, match="axial names none"):
        parse(STACKS.replace('denoise = ""', 'denoise = ""\naxial_skip = 2'))


def test_streams_do_not_skip_planes() -> None:
    with pytest.raises(ConfigError, match=r'which is for loop\.mode = "event"'):
        parse(
            STACKS.replace('denoise = ""', 'denoise = ""\naxial = "axial-fast"\naxial_skip = 2')
            .replace('clock = "simulated"\npace_s = 0.01', 'mode = "stream"')
        )  # fmt: skip


def test_a_channel_that_takes_no_stack_may_be_there_and_is_not_saved() -> None:
    alone, both = config(), config(more=SECOND + "do_stack = false\n")
    (one,), (two,) = predict(alone).lights, predict(both).lights
    assert one.saved_dose == two.saved_dose
    assert two.dose > one.dose


def test_the_prediction_counts_whole_stacks_and_says_what_skipping_saves_at_most() -> None:
    plain, skips = predict(config("")), predict(config("axial_skip = 2\naxial_check_every = 4"))
    (before,), (after,) = plain.lights, skips.lights
    assert (skips.frames, after.dose, after.most_dose) == (
        plain.frames, before.dose, before.most_dose
    )  # fmt: skip
    left_out = 17 * 4 - 4  # three whole stacks, and one plane more in stacks 4, 8, 12 and 16
    assert after.saved_dose == pytest.approx(after.dose * left_out / 180, rel=1e-9)


def test_the_check_says_in_words_which_planes_are_taken() -> None:
    said = dict(notes(config()))["planes"]
    assert said.startswith("5 of 9 are taken, axial-fast draws the others")
    assert "at every 10th one plane more is taken" in said
    assert "planes" not in dict(notes(config("")))


def result(shot: int, position: int, stack: StackSeen | None) -> Result:
    seen = Observation(
        shot, position, 0.0, (shot,), (), 0, 0, 0, 0, 0, 0, 0, 0, Trust(), stack=stack
    )
    return Result(shot, position, (shot,), seen, Tracks(), (), "m", None, StepTimes(0, 0, 0, 0, 0))


def test_a_run_tells_how_many_planes_it_skipped_and_how_wrong_drawn_ones_were() -> None:
    whole, few = tuple(range(5)), (0, 2, 4)
    found = summarize_planes(
        [
            result(0, 0, StackSeen(whole, 1, 0.3, 0.2, 0.4)),
            result(1, 1, StackSeen(whole, 1, 0.9, 0.8, 1.0)),
            result(2, 0, StackSeen(few)),
            result(3, 0, StackSeen(whole, 1, 0.2, 0.1, 0.3)),
            result(4, 1, StackSeen(whole, trouble="it is gone")),
        ]
    )
    assert found is not None
    assert (found.stacks, found.planes, found.whole) == (5, 23, 25)
    assert found.fields == {
        0: FieldPlanes(2, 0.2, 0.1, 0.3),
        1: FieldPlanes(1, 0.9, 0.8, 1.0, "it is gone"),
    }
    assert summarize_planes([result(0, 0, None)]) is None
