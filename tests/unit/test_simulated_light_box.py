from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from acquire.errors import DeviceMissing, SettingRefused
from acquire.simulated.light.light_box import AnyLightBox, LightBoxClient, LightBoxGone, serve
from acquire.simulated.light.light_source import BoxFaults, LightBox, Line
from acquire.simulated.light.local_light_box import LocalLightBox

BLUE = Line("blue", 488.0, 5.0)
LAMP = Line("lamp", 550.0, 2.0, gate="software")
BULB = Line("bulb", 600.0, 1.0, gate="always-on")


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(clock: Clock) -> LightBox:
    return LightBox([BLUE, LAMP, BULB], clock)


@contextmanager
def served(n_owners: int, clock: Clock) -> Iterator[list[LightBoxClient]]:
    pipes = [multiprocessing.Pipe() for _ in range(n_owners)]
    thread = threading.Thread(target=serve, args=([far for _, far in pipes], [BLUE, LAMP], clock))
    thread.start()
    clients = [LightBoxClient(near) for near, _ in pipes]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()
        thread.join(5.0)
        assert not thread.is_alive(), "the box must end when its last owner has gone"


@pytest.fixture(params=["local", "served"])
def source(request: pytest.FixtureRequest, clock: Clock) -> Iterator[AnyLightBox]:
    if request.param == "local":
        yield LocalLightBox([BLUE, LAMP], clock)
    else:
        with served(1, clock) as (client,):
            yield client


def test_a_box_is_born_dark(source: AnyLightBox) -> None:
    state = source.state()
    assert state.is_dark
    assert not state.is_open
    assert state.power_fraction == {"blue": 0.0, "lamp": 0.0}


def test_every_command_answers_with_the_read_back(source: AnyLightBox) -> None:
    assert source.set_power("blue", 0.25).power_fraction["blue"] == 0.25
    state = source.set_open(True)
    assert state.is_open
    assert state.armed == ("blue",)
    assert source.dark().is_dark


def test_an_exposure_is_metered_as_irradiance_times_time(source: AnyLightBox) -> None:
    source.set_power("blue", 0.1)
    source.set_open(True)
    for exposure_s in (0.05, 0.005):
        source.gate_on(exposure_s, is_paced=False)
        given = source.gate_off(exposure_s)
        assert given.fluence_j_cm2["blue"] == pytest.approx(0.5 * exposure_s, rel=1e-12)
    meter = source.meter()["blue"]
    assert meter.dose_j_cm2 == pytest.approx(0.5 * 0.055, rel=1e-12)
    assert meter.exposures == 2


@pytest.mark.parametrize("fraction", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_power_that_is_none_is_refused_and_changes_nothing(
    source: AnyLightBox, fraction: float
) -> None:
    source.set_power("blue", 0.2)
    with pytest.raises(SettingRefused, match="0 to 1"):
        source.set_power("blue", fraction)
    assert source.state().power_fraction["blue"] == 0.2


def test_an_unknown_line_is_refused_by_name(source: AnyLightBox) -> None:
    with pytest.raises(SettingRefused, match="no line 'red'"):
        source.set_power("red", 0.5)


def test_gated_light_is_on_only_while_the_camera_exposes(box: LightBox) -> None:
    box.set_power("blue", 1.0)
    assert box.state().armed == ()
    box.set_open(True)
    assert box.state().lit == ()
    box.gate_on(0.01, is_paced=False)
    assert box.state().lit == ("blue",)
    box.gate_off(0.01)
    assert box.state().lit == ()
    assert not box.state().is_dark


def test_software_gated_light_counts_host_time_between_exposures(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("lamp", 0.5)
    box.set_open(True)
    clock.now_s += 3.0
    box.set_open(False)
    clock.now_s += 3.0
    assert box.meter()["lamp"].lit_s == pytest.approx(3.0)
    assert box.meter()["lamp"].dose_j_cm2 == pytest.approx(3.0)
    box.gate_on(0.01, is_paced=True)
    assert box.gate_off(0.01).stray_j_cm2["lamp"] == pytest.approx(3.0)


def test_a_shutter_does_not_help_against_a_lamp_that_is_always_on(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("bulb", 1.0)
    clock.now_s += 2.0
    assert box.state().lit == ("bulb",)
    assert box.meter()["bulb"].dose_j_cm2 == pytest.approx(2.0)


def test_a_paced_exposure_that_goes_dark_halfway_is_metered_by_the_host(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(1.0, is_paced=True)
    clock.now_s += 0.25
    box.dark()
    clock.now_s += 0.75
    assert box.gate_off(1.0).fluence_j_cm2["blue"] == pytest.approx(0.25 * 5.0)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(0.25 * 5.0)


@pytest.mark.parametrize(
    ("meant_s", "given"), [(0.1, 0.4 * 5 * 0.04 + 0.8 * 5 * 0.06), (0.5, 2.56)]
)
def test_the_trigger_line_ends_an_exposure_on_time_though_the_host_is_late_to_say_so(
    box: LightBox, clock: Clock, meant_s: float, given: float
) -> None:
    box.set_power("blue", 0.4)
    box.set_open(True)
    box.gate_on(meant_s, is_paced=True)
    clock.now_s += 0.04
    box.set_power("blue", 0.8)
    clock.now_s += 0.62  # 0.16 s and more after the end of either
    exposed_s = 0.66 if meant_s == 0.5 else meant_s  # a camera that hung in it tells of all of it
    assert box.gate_off(exposed_s).fluence_j_cm2["blue"] == pytest.approx(given)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(given)


@pytest.mark.parametrize(("exposed_s", "given"), [(0.1, 0.5), (4.0, 20.0)])
def test_a_running_exposure_is_metered_at_its_most_until_the_camera_says_how_long_it_was(
    box: LightBox, clock: Clock, exposed_s: float, given: float
) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(0.1, is_paced=True)
    clock.now_s += 4.0  # a late host, or a camera that hangs: nobody can know yet
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(20.0)
    box.gate_off(exposed_s)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(given)


def test_an_exposure_that_nobody_ends_shines_until_somebody_says_dark(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(0.01, is_paced=False)
    clock.now_s += 7.0
    assert box.state().lit == ("blue",)
    assert box.dark().lit == ()
    clock.now_s += 7.0
    assert box.meter()["blue"].lit_s == pytest.approx(7.0)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(35.0)


def test_a_new_exposure_books_the_one_that_was_never_ended(box: LightBox, clock: Clock) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(0.01, is_paced=True)
    clock.now_s += 2.0
    box.gate_on(0.01, is_paced=True)
    clock.now_s += 0.01
    given = box.gate_off(0.01)
    assert given.fluence_j_cm2["blue"] == pytest.approx(0.05)
    assert given.stray_j_cm2["blue"] == pytest.approx(10.0)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(10.05)


@pytest.mark.parametrize("exposure_s", [0.0, -1.0, float("nan")])
def test_an_exposure_that_is_none_lets_no_light_out(box: LightBox, exposure_s: float) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(exposure_s, is_paced=False)
    assert box.state().lit == ()
    assert box.gate_off(0.01).fluence_j_cm2["blue"] == 0.0


def test_a_stuck_box_keeps_its_light_and_says_so(source: AnyLightBox) -> None:
    source.set_power("blue", 0.5)
    source.set_open(True)
    source.set_faults(BoxFaults(refuses_dark=True))
    assert not source.dark().is_dark
    assert source.set_power("blue", 0.1).power_fraction["blue"] == 0.5
    source.set_faults(BoxFaults())
    assert source.dark().is_dark


def test_a_box_that_lies_is_given_away_by_its_meter(box: LightBox, clock: Clock) -> None:
    box.set_power("lamp", 1.0)
    box.set_open(True)
    box.faults = BoxFaults(refuses_dark=True, lies=True)
    assert box.dark().is_dark
    clock.now_s += 4.0
    assert box.meter()["lamp"].dose_j_cm2 == pytest.approx(8.0)


def test_light_outlives_the_owner_who_dies_in_an_exposure(clock: Clock) -> None:
    with served(3, clock) as (scope, keeper, supervisor):
        scope.set_power("blue", 1.0)
        scope.set_open(True)
        scope.gate_on(0.01, is_paced=True)
        scope.state()  # the gate is on, whatever comes next
        scope.close()
        clock.now_s += 0.5
        assert keeper.state().lit == ("blue",)
        assert keeper.dark().is_dark
        keeper.close()
        assert supervisor.meter()["blue"].dose_j_cm2 == pytest.approx(2.5)


def test_a_box_that_has_gone_is_a_device_missing(clock: Clock) -> None:
    with served(1, clock) as (client,):
        pass
    with pytest.raises(DeviceMissing, match="has gone"):
        client.state()


def test_a_box_that_does_not_answer_is_given_up_in_bounded_time() -> None:
    near, far = multiprocessing.Pipe()
    client = LightBoxClient(near, timeout_s=0.001)
    with pytest.raises(DeviceMissing, match="did not answer"):
        client.dark()
    with pytest.raises(DeviceMissing, match="did not answer") as again:
        client.dark()
    assert not isinstance(again.value, LightBoxGone), "a silent box may be lit"
    far.close()


def test_a_box_that_stood_still_is_heard_again_and_its_late_answer_is_no_later_ones() -> None:
    near, far = multiprocessing.Pipe()
    with pytest.raises(DeviceMissing, match="did not answer"):
        LightBoxClient(near, timeout_s=0.001).set_open(True)
    client = LightBoxClient(near)
    client._number = 1  # the same owner, with more time
    box = threading.Thread(target=serve, args=([far], [BLUE]))
    box.start()
    assert client.dark().is_dark, "the answer to `open` came first"
    near.close()
    box.join()


def test_a_box_that_has_ended_is_said_to_be_gone() -> None:
    near, far = multiprocessing.Pipe()
    client = LightBoxClient(near)
    far.close()
    with pytest.raises(LightBoxGone):
        client.dark()


def test_bytes_that_mean_nothing_are_answered_and_do_no_harm(clock: Clock) -> None:
    near, far = multiprocessing.Pipe()
    thread = threading.Thread(target=serve, args=([far], [BLUE], clock))
    thread.start()
    near.send_bytes(b"\xc1garbage")
    assert near.poll(5.0)
    assert b"refused" in near.recv_bytes()
    client = LightBoxClient(near)
    assert client.state().is_dark
    client.close()
    thread.join(5.0)
    assert not thread.is_alive()


def test_the_box_lives_in_a_process_of_its_own_and_ends_with_its_owners() -> None:
    spawn = multiprocessing.get_context("spawn")
    near, far = spawn.Pipe()
    process = spawn.Process(target=serve, args=([far], [BLUE]))
    process.start()
    far.close()
    client = LightBoxClient(near, timeout_s=30.0)  # a process takes its time to start
    client.set_power("blue", 1.0)
    client.set_open(True)
    client.gate_on(0.02, is_paced=False)
    assert client.gate_off(0.02).fluence_j_cm2["blue"] == pytest.approx(0.1)
    client.close()
    process.join(10.0)
    assert process.exitcode == 0
    process.close()


def test_dark_comes_too_late_for_an_exposure_that_took_no_host_time(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(0.1, is_paced=False)
    clock.now_s += 0.001
    box.dark()
    assert box.gate_off(0.1).fluence_j_cm2["blue"] == pytest.approx(0.5)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(0.5)


def test_a_late_dark_is_booked_in_full_by_whatever_clock_says_more(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(0.1, is_paced=False)
    clock.now_s += 3.0
    box.dark()
    assert box.gate_off(0.1).fluence_j_cm2["blue"] == pytest.approx(15.0)


def test_software_gated_light_is_booked_once_during_a_paced_exposure(
    box: LightBox, clock: Clock
) -> None:
    box.set_power("lamp", 1.0)
    box.set_open(True)
    box.gate_on(1.0, is_paced=True)
    clock.now_s += 1.0
    given = box.gate_off(1.0)
    assert given.fluence_j_cm2["lamp"] == pytest.approx(2.0)
    assert box.meter()["lamp"].dose_j_cm2 == pytest.approx(2.0)


def test_stray_light_is_told_once(box: LightBox, clock: Clock) -> None:
    box.set_power("lamp", 1.0)
    box.set_open(True)
    clock.now_s += 1.0
    box.set_open(False)
    assert box.gate_off(0.1).stray_j_cm2["lamp"] == pytest.approx(2.0)
    assert box.gate_off(0.1).stray_j_cm2["lamp"] == 0.0


def test_a_stuck_box_that_lies_repeats_the_power_it_was_told(box: LightBox) -> None:
    box.set_power("blue", 0.5)
    box.faults = BoxFaults(refuses_dark=True, lies=True)
    assert box.set_power("blue", 0.1).power_fraction["blue"] == 0.1
    box.faults = BoxFaults(refuses_dark=True)
    assert box.state().power_fraction["blue"] == 0.5


def test_a_flash_is_a_whole_exposure_in_one_packet(source: AnyLightBox) -> None:
    source.set_power("blue", 0.1)
    source.set_open(True)
    given = source.flash(0.05)
    assert given.fluence_j_cm2 == {"blue": pytest.approx(0.025), "lamp": pytest.approx(0.0)}
    source.gate_on(0.05, is_paced=False)
    assert source.gate_off(0.05) == given
    assert source.meter()["blue"].exposures == 2
    assert source.state().lit == ()


def test_powers_step_with_the_exposures_and_start_anew(source: AnyLightBox) -> None:
    source.set_open(True)
    source.load_powers("blue", [0.1, 0.2, 0.4])
    for _ in range(2):
        assert source.run_powers("blue", True).power_fraction["blue"] == pytest.approx(0.0)
        given = [source.flash(1.0).fluence_j_cm2["blue"] for _ in range(4)]
        assert given == pytest.approx([0.5, 1.0, 2.0, 0.5])
        source.run_powers("blue", False)
    assert source.state().power_fraction["blue"] == 0.0
    assert source.state().is_dark


def test_a_command_ends_a_power_sequence(source: AnyLightBox) -> None:
    source.set_open(True)
    source.load_powers("blue", [0.1, 0.2])
    source.run_powers("blue", True)
    source.flash(1.0)
    source.set_power("blue", 0.3)
    assert [source.flash(1.0).fluence_j_cm2["blue"] for _ in range(2)] == pytest.approx([1.5, 1.5])


def test_a_box_that_refuses_dark_goes_on_with_its_power_sequence(source: AnyLightBox) -> None:
    source.set_open(True)
    source.load_powers("blue", [0.1, 0.4])
    source.run_powers("blue", True)
    source.set_faults(BoxFaults(refuses_dark=True))
    source.run_powers("blue", False)
    source.set_power("blue", 0.3)  # less than it may come to
    assert [source.flash(1.0).fluence_j_cm2["blue"] for _ in range(2)] == pytest.approx([0.5, 2.0])


@pytest.mark.parametrize("powers", [[], [1.1], [0.5, float("nan")], [0.1] * 5000])
def test_a_table_of_powers_that_are_none_is_refused(
    source: AnyLightBox, powers: list[float]
) -> None:
    with pytest.raises(SettingRefused):
        source.load_powers("blue", powers)
    with pytest.raises(SettingRefused, match="load one first"):
        source.run_powers("blue", True)


def test_a_filter_takes_lines_out_of_the_light_and_off_the_meter(source: AnyLightBox) -> None:
    source.set_power("blue", 0.2)
    source.set_open(True)
    source.set_passing(["lamp"])
    assert source.flash(1.0).fluence_j_cm2["blue"] == 0.0
    assert source.meter()["blue"].exposures == 0
    assert source.state().armed == ("blue",)  # the box itself gives light all the same
    source.set_passing(None)
    assert source.flash(1.0).fluence_j_cm2["blue"] == pytest.approx(1.0)


def test_the_gate_of_a_line_can_be_changed(source: AnyLightBox, clock: Clock) -> None:
    source.set_power("blue", 0.2)
    assert source.gates() == {"blue": "camera", "lamp": "software"}
    source.set_gate("blue", "always-on")
    assert source.state().lit == ("blue",)
    clock.now_s += 3.0
    source.set_gate("blue", "camera")
    clock.now_s += 3.0
    assert source.meter()["blue"].dose_j_cm2 == pytest.approx(3.0)
    assert source.meter()["blue"].lit_s == pytest.approx(3.0)


def test_a_slow_shutter_moves_later_and_the_meter_knows_when(box: LightBox, clock: Clock) -> None:
    box.set_delays(2.0, 3.0)
    box.set_power("lamp", 0.5)
    box.set_open(True)
    assert not box.state().is_open
    assert box.state().lit == ()
    assert box.state().armed == ("lamp",)
    clock.now_s += 10.0  # it opened 8 s ago, though nobody looked
    assert box.state().is_open
    assert box.meter()["lamp"].lit_s == pytest.approx(8.0)
    box.set_open(False)
    assert box.state().is_open
    clock.now_s += 10.0
    assert box.meter()["lamp"].lit_s == pytest.approx(11.0)
    assert box.state().is_dark


def test_the_last_command_to_a_slow_shutter_counts(box: LightBox, clock: Clock) -> None:
    box.set_delays(2.0, 2.0)
    box.set_power("lamp", 0.5)
    box.set_open(True)
    clock.now_s += 1.0
    assert box.set_open(False).is_dark
    clock.now_s += 10.0
    assert box.meter()["lamp"].lit_s == 0.0


@pytest.mark.parametrize("delays", [(-1.0, 0.0), (0.0, float("nan")), (61.0, 0.0)])
def test_a_shutter_delay_that_is_none_is_refused(
    source: AnyLightBox, delays: tuple[float, float]
) -> None:
    with pytest.raises(SettingRefused, match="delays"):
        source.set_delays(*delays)


def test_the_shutter_closing_late_in_an_exposure_is_metered_by_the_clock(
    box: LightBox, clock: Clock
) -> None:
    box.set_delays(0.0, 0.5)
    box.set_power("blue", 1.0)
    box.set_open(True)
    box.gate_on(2.0, is_paced=True)
    clock.now_s += 1.0
    box.set_open(False)
    clock.now_s += 1.0
    assert box.gate_off(2.0).fluence_j_cm2["blue"] == pytest.approx(5.0 * 1.5)
    assert box.meter()["blue"].dose_j_cm2 == pytest.approx(5.0 * 1.5)


def test_faults_are_remembered_by_the_box_and_shared_by_its_owners(clock: Clock) -> None:
    with served(2, clock) as (one, other):
        one.set_faults(BoxFaults(ignores=True))
        assert other.faults() == BoxFaults(ignores=True)
        assert other.set_power("blue", 0.5).power_fraction["blue"] == 0.0
        other.set_faults(BoxFaults(refuses=True))
        with pytest.raises(SettingRefused, match="refuses"):
            one.set_power("blue", 0.5)
        with pytest.raises(SettingRefused, match="refuses"):
            one.dark()


def test_a_box_that_hangs_answers_its_meter_and_its_gate_only(clock: Clock) -> None:
    with served(2, clock) as (one, other):
        one.set_power("blue", 0.1)
        one.set_open(True)
        one.set_faults(BoxFaults(hangs=True))
        assert one.flash(1.0).fluence_j_cm2["blue"] == pytest.approx(0.5)
        assert one.meter()["blue"].dose_j_cm2 == pytest.approx(0.5)
        other._timeout_s = 0.01
        with pytest.raises(DeviceMissing, match="did not answer"):
            other.dark()
        one.set_faults(BoxFaults())
        assert one.dark().is_dark


def test_a_slow_box_does_late_what_it_is_told(clock: Clock) -> None:
    def sleep(seconds: float) -> None:
        clock.now_s += seconds

    box = LocalLightBox([LAMP], clock, sleep)
    box.set_power("lamp", 1.0)
    box.set_open(True)
    box.set_faults(BoxFaults(delay_s=3.0))
    assert box.dark().is_dark
    assert box.meter()["lamp"].lit_s == pytest.approx(3.0)


def test_a_box_that_dies_is_gone_for_all_its_owners(clock: Clock) -> None:
    with served(2, clock) as (one, other):
        one.set_power("blue", 0.1)
        one.die()
        for client in (one, other):
            with pytest.raises(LightBoxGone):
                client.state()
    local = LocalLightBox([BLUE], clock)
    local.set_power("blue", 0.1)
    local.set_open(True)
    local.die()
    with pytest.raises(LightBoxGone):
        local.meter()
    assert local.box.state().is_dark
