"""What a plan may ask of a config's lights, channels, cameras and focus, and what is predicted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import useq

from acquire.plan.plan import plan_shots
from lightloop.check.scope import check_scope
from lightloop.check.words import notes
from lightloop.config import ConfigError, RunConfig, parse
from lightloop.predict.counts import count_plan
from lightloop.predict.prediction import predict

MINE = """
[scope]
kind = "simulated"
height = 100
width = 200
[[light]]
name = "488"
wavelength_nm = 488.0
power_device = "Laser488"
power_property = "Power"
shutter_device = "Shutter"
gate = "camera"
limits = { min_exposure_ms = 5.0, max_exposure_ms = 100.0, max_power_fraction = 0.5, budget_j_cm2 = 10.0 }
[[channel]]
name = "GFP"
light = "488"
exposure_ms = 50.0
power_fraction = 0.5
# first
[[channel]]
name = "RFP"
light = "488"
exposure_ms = 20.0
power_fraction = 0.5
# second
[focus]
method = "software"
[plan]
time_plan = { interval = { seconds = 10 }, loops = 4 }
# plan
"""  # noqa: E501 - a table on one line


def mine(**added: str) -> RunConfig:
    text = MINE
    for mark, line in added.items():
        text = text.replace(f"# {mark}\n", f"{line}\n")
    return parse(text)


def refused(**added: str) -> str:
    with pytest.raises(ConfigError) as caught:
        mine(**added)
    return str(caught.value)


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ({"plan": 'setup = { properties = [["Laser488", "Power", "9"]] }'}, "belongs to light"),
        ({"plan": 'setup = { properties = [["Core", "Shutter", "X"]] }'}, "sets Core Shutter"),
        ({"plan": 'stage_positions = [{ x = 0, properties = [["Shutter", "State", "1"]] }]'},
         "plan.stage_positions.0 sets Shutter State, which belongs to light '488'"),
        ({"plan": 'stage_positions = [{ x = 0, properties = [["Camera", "Binning", "2"]] }]'},
         "frames keep their shape"),
        ({"first": "acquire_every = 2"}, "'GFP' is the first one"),
        ({"plan": 'stage_positions = [{ x = 0, sequence = { channels = ["RFP"] } }]'},
         "leaves out channel 'GFP'"),
        ({"second": "exposure_step_ms = 60.0\nz_offset_um = nan"}, "z_offset_um"),
        ({"first": "exposure_step_ms = 150.0"}, "no multiple of exposure_step_ms 150"),
        ({"second": '[[other_camera]]\nlabel = "B"'}, "'B' is used by no channel"),
        ({"plan": 'autofocus_plan = { axes = ["p"] }\n[guard]\nmax_offset_um = 1.0'}, ""),
        ({"plan": "keep_shutter_open_across = ['z']"}, "plan.keep_shutter_open_across: the light"),
        ({"plan": "grid_plan = { rows = 1, columns = 2 }"}, "plan.grid_plan: give fov_width"),
        ({"plan": "stage_positions = [{ x = 0, y = 0 }]\ngrid_plan = { top = 9, bottom = 0, left = "
                  "0, right = 9, fov_width = 5, fov_height = 5 }"}, "useq would ignore it"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_before_anything_moves(
    added: dict[str, str], says: str
) -> None:
    if not says:
        assert mine(**added)
        return
    assert says in refused(**added)


@pytest.mark.parametrize(
    ("focus", "says"),
    [
        ('channel = "Cy5"', "focus.channel 'Cy5' is no channel"),
        ("exposure_ms = 2.0", "focus.exposure_ms is 2, but light '488' allows 5 to 100 ms"),
        ("power_fraction = 0.9", "focus.power_fraction is 0.9"),
        ("step_um = 7.0", "step_um must be half of range_um or less"),
    ],
)
def test_a_search_that_the_light_forbids_is_refused(focus: str, says: str) -> None:
    text = MINE.replace('method = "software"', f'method = "software"\n{focus}')
    text = text.replace("# plan", 'autofocus_plan = { axes = ["p"] }')
    with pytest.raises(ConfigError, match=says):
        parse(text)


def test_a_search_by_images_has_no_offset() -> None:
    plan = 'autofocus_plan = { axes = ["p"], autofocus_motor_offset = 3.0 }'
    assert "sets an offset of a device" in refused(plan=plan)


def test_a_microscope_without_an_autofocus_device_is_found_out_at_check() -> None:
    text = MINE.replace('method = "software"', 'method = "hardware"')
    config = parse(text.replace("# plan", 'autofocus_plan = { axes = ["p"] }'))
    with pytest.raises(ConfigError, match=r"mine\.toml: the microscope has no autofocus device"):
        check_scope(config, "mine.toml")


def test_what_a_place_sets_is_looked_for_at_check() -> None:
    place = 'stage_positions = [{ x = 0, properties = [["Wheel", "Lable", "488"]] }]'
    with pytest.raises(ConfigError, match="'Wheel' has no property 'Lable'; did you mean 'Label'"):
        check_scope(mine(plan=place), "mine.toml")


def test_what_the_setup_sets_is_looked_for_at_check() -> None:
    setup = 'setup = { properties = [["Wheell", "Label", "488"]] }'
    with pytest.raises(ConfigError, match=r"plan\.setup: no device 'Wheell'; did you mean 'Wheel'"):
        check_scope(mine(plan=setup), "mine.toml")


def test_a_camera_of_a_channel_is_looked_for_at_check() -> None:
    with pytest.raises(ConfigError, match="camera of channel 'RFP': no device 'Camera2'"):
        check_scope(mine(second='camera = "Camera2"'), "mine.toml")


def test_a_lock_holds_no_absolute_heights() -> None:
    text = MINE.replace('method = "software"', "lock = true")
    with pytest.raises(ConfigError, match=r"focus\.lock holds the focus where it finds it"):
        parse(text.replace("# plan", "z_plan = { absolute = [1.0, 2.0] }"))


PLANS: list[dict[str, Any]] = [
    {},
    {"time_plan": {"interval": 1, "loops": 5}},
    {"stage_positions": [(0, 0), (9, 9)], "time_plan": {"interval": 1, "loops": 3}},
    {"axis_order": "ptgcz", "stage_positions": [(0, 0), (9, 9)],
     "time_plan": {"interval": 1, "loops": 3}, "autofocus_plan": {"axes": ("t",)}},
    {"stage_positions": [(0, 0), {"x": 1, "sequence": {"time_plan": {"interval": 1, "loops": 4}}}]},
    {"stage_positions": [{"sequence": {"z_plan": {"range": 4, "step": 1}}}, (5, 5)],
     "time_plan": {"interval": 1, "loops": 5}, "autofocus_plan": {"axes": ("p",)}},
    {"grid_plan": {"rows": 1, "columns": 3, "fov_width": 9, "fov_height": 9},
     "z_plan": {"range": 2, "step": 1}, "time_plan": {"interval": 1, "loops": 2},
     "autofocus_plan": {"axes": ("g",)}},
    {"time_plan": [{"interval": 1, "loops": 3}, {"interval": 5, "loops": 2}],
     "z_plan": {"range": 2, "step": 1}},
]  # fmt: skip


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_is_counted_as_it_would_be_run(plan: dict[str, Any]) -> None:
    sequence = useq.MDASequence(
        channels=[{"config": "GFP"}, {"config": "RFP", "acquire_every": 2, "do_stack": False}],
        **plan,
    )
    counts = count_plan(sequence)
    shots = list(plan_shots(sequence))
    assert counts.shots == len(shots)
    assert counts.frames == sum(planned.shot.n_frames for planned in shots)
    exposures: dict[int, Counter[str]] = {}
    searches: Counter[int] = Counter()
    for planned in shots:
        field = exposures.setdefault(planned.shot.position, Counter())
        for one in planned.exposures:
            field[one.channel] += 1
            searches[planned.shot.position] += one.autofocus is not None
    assert list(counts.exposures) == list(exposures.values())
    assert list(counts.searches) == [searches[position] for position in exposures]


def test_the_light_of_searches_is_predicted_and_no_more_than_its_share() -> None:
    plain = predict(mine()).lights[0]
    searched = predict(mine(plan='autofocus_plan = { axes = ["t"] }')).lights[0]
    nine_images = 4 * 9 * 0.05 * 5e-3  # at 4 time points, 9 images of 5 ms at 5 % (relative)
    assert searched.dose - plain.dose == pytest.approx(nine_images)
    text = MINE.replace("# plan", 'autofocus_plan = { axes = ["t"] }')
    text = text.replace('"software"', '"software"\nbudget_share = 0.0001')
    assert predict(parse(text)).lights[0].dose - plain.dose == pytest.approx(0.001)


def test_a_channel_that_is_taken_rarely_gives_little_light() -> None:
    often, rarely = predict(mine()), predict(mine(second="acquire_every = 4"))
    assert (often.frames, rarely.frames) == (8, 5)
    assert often.lights[0].dose - rarely.lights[0].dose == pytest.approx(3 * 0.5 * 0.02)


def test_a_laser_whose_power_is_set_by_hand_is_said_to_be_so() -> None:
    text = MINE.replace('power_device = "Laser488"\npower_property = "Power"\n', "")
    text = text.replace("max_power_fraction = 0.5, ", "").replace("power_fraction = 0.5\n", "")
    said = dict(notes(parse(text)))
    assert "set its power by hand" in said["light, 488"]
    assert "the camera's trigger line" in said["light, 488"]
    assert "light, 488" not in dict(notes(mine()))


def test_what_is_special_of_a_channel_or_focus_is_said() -> None:
    said = dict(notes(mine(
        second='exposure_step_ms = 10.0\nz_offset_um = -1.5\ndo_stack = false\nacquire_every = 3\n'
               'camera = "Camera2"',
        plan='autofocus_plan = { axes = ["p"] }',
    )))  # fmt: skip
    assert said["channel, RFP"] == (
        "exposures are multiples of 10 ms; -1.5 um from the focus; only the middle plane of a "
        "stack; at every 3 time points"
    )
    assert "images of GFP, 8 um in steps of 1 um" in said["focus"]
    assert said["camera"] == "Camera2: RFP"


# -- audits ----------------------------------------------------------------------------------------


def audited(every: int, **added: str) -> RunConfig:
    return mine(plan=f"[loop]\naudit_every_shots = {every}\n" + added.pop("more", ""), **added)


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5])
def test_audits_are_counted_as_they_are_taken(every: int) -> None:
    config = audited(every)
    counted = count_plan(config.sequence(), every)
    shots = list(plan_shots(config.sequence(), audit_every=every))
    taken: Counter[str] = Counter()
    for planned in shots:
        for one in planned.exposures:
            taken[one.channel] += one.n_frames * one.looks
    assert counted.exposures == (taken,)
    assert counted.again[0]["GFP"] == 4 // every
    assert counted.frames == predict(config).frames == sum(shot.shot.n_frames for shot in shots)


def test_places_with_times_of_their_own_are_audited_by_those() -> None:
    own = [{"time_plan": {"interval": 1, "loops": loops}} for loops in (3, 2)]
    sequence = useq.MDASequence(
        channels=["GFP"], stage_positions=[{"x": 50 * n, "sequence": s} for n, s in enumerate(own)]
    )
    taken = [Counter[str](), Counter[str]()]
    for planned in plan_shots(sequence, audit_every=3):
        for one in planned.exposures:
            taken[planned.shot.position][one.channel] += one.looks
    assert list(count_plan(sequence, 3).exposures) == taken


def test_the_light_of_audits_is_predicted_and_told() -> None:
    plain, config = predict(mine()).lights[0], audited(2)
    light = predict(config).lights[0]
    once = 0.5 * 0.05  # of full power, s
    assert light.audit_dose == pytest.approx(2 * once)
    assert light.dose == pytest.approx(plain.dose + light.audit_dose)
    assert light.on_s > plain.on_s
    assert plain.audit_dose == 0.0
    assert "at every 2nd shot" in dict(notes(config))["audits"]
    assert "audits" not in dict(notes(mine()))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('mode = "burst"\nburst_frames = 2', 'for mode = "event"'),
        ('[network]\ndenoise = ""', "network.denoise names none"),
    ],
)
def test_audits_that_would_judge_nothing_are_refused(more: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        audited(2, more=more)
