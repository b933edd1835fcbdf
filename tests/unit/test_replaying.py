"""Deciding again on what was seen then; how far engines may differ; another policy in a config."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from lightloop.config import ConfigError
from lightloop.replaying import policy_instead
from realtime.replay.agreement import tolerance
from realtime.replay.verify import Verifier, verdict, verify_policy
from realtime.run_file import RunReader, RunWriter
from realtime.wire import DecisionMessage, encode
from tests.unit import run_samples as samples

RMS = {"f32": 0.0001, "bf16": 0.03}
SAME, OTHER = "net@1 openvino-bf16", "net@1 onnxruntime-f32"


class Remembering:
    """Decides as `samples.write_run` wrote it; how many it has decided is its memory."""

    def __init__(self, slip_at: int = -1) -> None:
        self.count = 0
        self.slip_at = slip_at

    def decide(self, seen):
        exposure_ms = 11.0 + self.count + (self.count == self.slip_at) * 1e-9
        self.count += 1
        return samples.decision(seen.shot, seen.seqs, exposure_ms)


@pytest.fixture
def reader(tmp_path: Path):
    samples.write_run(tmp_path / "run.h5", n_shots=4, n_frames=2)
    with RunReader(tmp_path / "run.h5") as run:
        yield run


def test_a_policy_that_is_the_same_decides_the_same_without_any_image(reader) -> None:
    is_confirmed, words = verdict(verify_policy(reader, Remembering))
    assert is_confirmed
    assert words == "verified: 4 decisions are equal to the recorded ones, byte for byte"


def test_the_last_bit_of_one_decision_is_found_at_its_shot(reader) -> None:
    verifier = verify_policy(reader, lambda: Remembering(slip_at=2))
    assert [d.shot for d in verifier.differences] == [2]
    is_confirmed, words = verdict(verifier)
    assert not is_confirmed
    assert words.startswith("shot 2 (frame 4) is decided differently")


def test_a_shot_that_a_new_worker_answered_once_more_is_judged_by_the_first_answer(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer:
        decided, policy = [], Remembering()
        for n, shot in enumerate((0, 1, 2, 2, 3)):
            policy = Remembering() if n == 3 else policy
            pixels = samples.image(shot)
            if n != 3:
                writer.frame(samples.message(samples.info(shot), pixels), pixels)
            result = msgspec.structs.replace(samples.result(shot, (shot,)), is_fresh=n in (0, 3))
            decided.append(policy.decide(result.observation))
            writer.document(encode(result))
            writer.document(encode(DecisionMessage(decided[-1])))
    assert decided[2] != decided[3]
    with RunReader(path) as run:
        verifier = verify_policy(run, Remembering)
    assert (verifier.n_same, verifier.first, verifier.missing) == (4, None, [])


class Newer(Remembering):
    """The same decisions, by the next version of the policy."""

    def decide(self, seen):
        return msgspec.structs.replace(super().decide(seen), policy="snr/99")


def test_another_version_of_the_policy_is_named(reader) -> None:
    is_confirmed, words = verdict(verify_policy(reader, Newer))
    assert not is_confirmed
    assert "here snr/99 does: only the lightloop that made a recording" in words


def allow(recorded: str, replayed: str):
    return tolerance(recorded, replayed, ("a", "a"), RMS, 1.6)


def answer(model_id: str = SAME, *, snr: float = 5.0, exposure_ms: float = 11.0, cells: int = 2):
    result = samples.result(0, (0, 1), snr=snr)
    seen = msgspec.structs.replace(result.observation, n_confirmed=cells)
    result = msgspec.structs.replace(result, model_id=model_id, observation=seen)
    return result, samples.decision(0, (0, 1), exposure_ms)


def asking(**more):
    result, decision = answer(OTHER)
    settings = msgspec.structs.replace(decision.settings, **more)
    return result, msgspec.structs.replace(decision, settings=settings)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (answer(OTHER, snr=5.01, exposure_ms=11.1), None),
        (asking(interval_s=1.0), "other settings than the light"),
        (asking(binning=2), "other settings than the light"),
        (asking(channels=()), "other settings than the light"),
        (answer(OTHER, snr=5.04), "snr moved by 0.04, allowed is 0.0301"),
        (answer(OTHER, exposure_ms=11.5), "the light is 11.5, was 11"),
        (answer(OTHER, cells=3), "n_confirmed is 3, was 2"),
    ],
)
def test_another_engine_may_differ_by_the_networks_tolerance_and_no_more(reader, new, words):
    verifier = Verifier(reader, lambda recorded, replayed: allow(SAME, replayed))
    difference = verifier.compare(*new)
    if words is None:
        assert difference is None
        assert (verifier.n_same, verifier.n_close) == (0, 1)
    else:
        assert difference is not None
        assert words in difference.note


def test_the_same_engine_on_the_same_processor_must_give_the_same_bytes() -> None:
    assert tolerance(SAME, SAME, ("a", "a"), RMS, 1.6) is None
    other = tolerance(SAME, SAME, ("a", "b"), RMS, 1.6)
    assert other is not None
    assert other.rms == 0.06
    assert "recorded on a, not b" in other.words


def test_a_verdict_within_the_tolerance_says_so_and_what_was_different(reader) -> None:
    verifier = Verifier(reader, lambda recorded, replayed: allow(SAME, OTHER))
    for shot in range(4):
        result = samples.result(shot, (2 * shot, 2 * shot + 1), snr=5.01)
        decided = samples.decision(shot, result.seqs, 11.0 + shot)
        assert verifier.compare(msgspec.structs.replace(result, model_id=OTHER), decided) is None
    is_confirmed, words = verdict(verifier)
    assert is_confirmed
    assert "4 decisions agree" in words
    assert f"recorded with {SAME}, replayed with {OTHER}" in words


def test_a_difference_in_what_was_seen_counts_even_if_the_decision_is_the_same(reader) -> None:
    verifier = Verifier(reader)
    result = samples.result(1, (2, 3), snr=5.5)
    difference = verifier.compare(result, samples.decision(1, (2, 3), 12.0))
    assert difference is not None
    assert str(difference).startswith("shot 1 (frame 2) is seen differently")


DEMO = files("configs").joinpath("demo.toml").read_text("utf-8")


def test_what_if_puts_another_policy_into_the_config_and_nothing_else() -> None:
    before, after = tomllib.loads(DEMO), tomllib.loads(policy_instead(DEMO, "c", "policy=fixed"))
    assert after.pop("policy") == {"kind": "fixed"}
    assert before.pop("policy")["kind"] == "snr"
    assert after == before


def test_what_if_takes_the_policy_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "o.toml").write_text('a = 1\n[policy] # mine\nkind = "snr"\n[b]\nc = 2\n', "utf-8")
    text = policy_instead(DEMO, "c", f"policy={tmp_path / 'o.toml'}")
    assert tomllib.loads(text)["policy"] == {"kind": "snr"}


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        (DEMO, "policy=wild", "'wild' is none of"),
        (DEMO, "light=0", "policy=KIND or policy=FILE.toml"),
        (DEMO, "policy=", "policy=KIND or policy=FILE.toml"),
        (DEMO, "policy=nowhere.toml", "there is no such file"),
        ('policy = { kind = "fixed" }\n', "policy=snr", r"as a table \[policy\]"),
    ],
)
def test_a_what_if_that_cannot_be_is_one_sentence(text: str, asked: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        policy_instead(text, "c", asked)
