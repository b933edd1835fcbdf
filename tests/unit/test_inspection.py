"""What a run says to a person."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from realtime.errors import RunFileError
from realtime.importing.importer import LIGHT
from realtime.run_file import RunReader, RunWriter
from realtime.telling.run_summary import summarize
from realtime.telling.why import in_words, numbers, why
from realtime.wire import Gap, encode
from tests.unit import run_samples as samples


@pytest.fixture
def reader(tmp_path: Path):
    samples.write_run(tmp_path / "run.h5", n_shots=4, n_frames=2)
    with RunReader(tmp_path / "run.h5") as run:
        yield run


def test_a_summary_counts_frames_shots_time_and_light(reader) -> None:
    told = summarize(reader)
    assert (told.status, told.n_frames, told.n_shots, told.n_gaps) == ("complete", 8, 4, 0)
    assert told.duration_s == pytest.approx(7 * 0.05)
    assert told.dose == pytest.approx({"488": 2 * (10 + 11 + 12 + 13) * 1e-3})
    assert told.dose_by_field == {0: told.dose}
    assert (told.dose_unit, told.is_calibrated) == ("relative", False)
    assert told.channels[0].exposure_ms == (10.0, 13.0)
    assert told.reasons == {"snr is enough": 4}
    assert told.policies == ("snr/1",)
    assert told.ratio > 0


def test_a_run_without_frames_has_a_summary(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        writer.document(encode(Gap(0, 4, "ring_full")))
    with RunReader(tmp_path / "run.h5") as run:
        told = summarize(run)
    assert (told.n_frames, told.n_gaps, told.n_lost, told.dose) == (0, 1, 5, {})


def test_why_names_the_decision_its_reason_and_the_frames_it_was_based_on(reader) -> None:
    told = why(reader, 5)
    assert told.decision == samples.decision(1, (2, 3), 12.0)
    assert [info.seq for info in told.based_on] == [2, 3]
    assert told.applied is not None
    assert told.applied.shot == 2
    assert told.text == (
        "Frame 5 (shot 2, field 0) got 12 ms of gfp at 50 % of full power, as snr/1 decided "
        "after shot 1: snr is enough."
    )
    assert numbers(told.decision) == [("SNR of a cell in that shot", "5")]


def test_why_of_the_first_frames_is_the_first_settings(reader) -> None:
    told = why(reader, 0)
    assert (told.decision, told.based_on) == (None, ())
    assert told.text.endswith("the run's first settings.")


def test_why_of_an_imported_frame_is_the_same_after_a_replay(tmp_path: Path) -> None:
    used = msgspec.structs.replace(samples.applied(20.0), light=LIGHT)
    start = msgspec.structs.replace(samples.start(), origin="replay of film.h5")
    pixels = samples.image(0)
    with RunWriter(tmp_path / "run.h5", start) as writer:
        writer.frame(samples.message(samples.info(0, applied=used), pixels), pixels)
    with RunReader(tmp_path / "run.h5") as run:
        assert why(run, 0).text.endswith(
            "(power not recorded), as whoever made the recording chose."
        )
        assert not summarize(run).channels[0].knows_power


def test_why_does_not_say_that_light_followed_a_policy_that_was_only_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = msgspec.structs.replace(samples.start(), origin="replay of a.h5, open loop, what if x")
    monkeypatch.setattr(samples, "start", lambda *_: start)
    samples.write_run(tmp_path / "run.h5", n_shots=4, n_frames=2)
    with RunReader(tmp_path / "run.h5") as run:
        assert why(run, 5).text == (
            "Frame 5 (shot 2, field 0) got 12 ms of gfp at 50 % of full power when it was "
            "recorded; after shot 1 snr/1 would have said: snr is enough."
        )


def test_why_tells_what_the_guard_cut(tmp_path: Path) -> None:
    used = samples.applied(5.0, clamped="slew: at most twice the last dose")
    pixels = samples.image(0)
    with RunWriter(tmp_path / "run.h5", samples.start()) as writer:
        writer.frame(samples.message(samples.info(0, applied=used), pixels), pixels)
    with RunReader(tmp_path / "run.h5") as run:
        assert "less than was asked: slew" in why(run, 0).text
        assert summarize(run).n_clamped == 1


def test_why_of_no_frame_is_a_clear_error(reader) -> None:
    with pytest.raises(RunFileError, match="has no frame 99"):
        why(reader, 99)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("snr", 5.25, "SNR of a cell in that shot: 5.25"),
        ("signal_e", 8.1, "signal of a cell: 8.1 photo-electrons a pixel"),
        ("n_confirmed", 45.0, "confirmed cells: 45"),
        ("saturated_fraction", 0.00125, "saturated pixels: 0.12%"),
        ("exposure_ms", 20.0, "exposure: 20 ms"),
        ("power_fraction", 0.2, "power: 0.2 of full"),
        ("light_now", 4.0, "light of that shot: 4 ms at full power"),
        ("trend", 0.05, "trend: +0.05"),
        ("my_own", 3.0, "my_own: 3"),
        ("n_confirmed", float("nan"), "confirmed cells: nan"),
    ],
)
def test_inputs_are_said_in_words_with_their_unit(name: str, value: float, said: str) -> None:
    assert ": ".join(in_words(name, value)) == said


def test_every_input_of_the_snr_policy_has_words() -> None:
    from realtime.policy.snr import SnrConfig, SnrPolicy
    from tests.unit.policy_samples import FIRST, READ_NOISE_E, Sample

    policy = SnrPolicy(SnrConfig(target_snr=100.0), FIRST, READ_NOISE_E)
    inputs = policy.decide(Sample().see(FIRST)).inputs
    assert "light_factor" in inputs
    assert [name for name in inputs if in_words(name, 1.0)[0] == name] == []


def test_the_numbers_of_a_decision_stand_in_the_order_of_a_thought_with_their_units() -> None:
    inputs = {"light_next": 0.05928, "mine": 2.5, "signal_e": 1.4608, "snr": 15.58}
    said = numbers(msgspec.structs.replace(samples.decision(1, (2,), 12.0), inputs=inputs))
    assert said == [
        ("SNR of a cell in that shot", "15.6"),
        ("signal of a cell", "1.46 photo-electrons a pixel"),
        ("light that was asked for", "0.0593 ms at full power"),
        ("mine", "2.5"),
    ]
