"""The player is a microscope that has seen it all before; the verifier compares decisions."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import msgspec
import numpy as np
import pytest

from realtime import player
from realtime.errors import RunFileError, StreamError
from realtime.player import play, replay_start
from realtime.replay import answers
from realtime.replay.changes import changes
from realtime.replay.excerpt import NOT_JUDGED, NOT_PLAYED
from realtime.replay.verify import Verifier
from realtime.run_file import RunReader, RunWriter
from realtime.wire import (
    AppliedMessage,
    DecisionMessage,
    End,
    FrameMessage,
    Gap,
    RingInfo,
    encode,
)
from tests.unit import run_samples as samples


class FakeHub:
    """Takes what is played; a worker with a policy answers each whole shot."""

    def __init__(self, decide=None, no_room=()) -> None:
        self.played = []
        self.answers: deque = deque()
        self.decide = decide
        self.no_room = no_room
        self.end: End | None = None

    def publish(self, info, pixels):
        if info.seq in self.no_room:
            return None
        np.testing.assert_array_equal(pixels, samples.image(info.seq))
        self.played.append(info)
        shot = [i.seq for i in self.played if hasattr(i, "shot") and i.shot == info.shot]
        if self.decide and info.ends_shot and len(shot) == info.shot.n_frames:
            self.answers.append(self.decide(info.shot.number, shot))
        return info

    def send(self, document):
        self.played.append(document)

    def next_decision(self, timeout_s):
        return self.answers.popleft() if self.answers else None

    def present(self):
        return {"worker"} if self.decide else set()

    def finish(self, end, timeout_s):
        self.end = end


def same(shot, seqs):
    return samples.result(shot, seqs), samples.decision(shot, seqs, 11.0 + shot)


@pytest.fixture
def reader(tmp_path: Path):
    samples.write_run(tmp_path / "run.h5", n_shots=4, n_frames=2)
    with RunReader(tmp_path / "run.h5") as run:
        yield run


@pytest.mark.parametrize("pace", ["max", "step", 1e6])
def test_frames_and_applied_light_are_played_in_order_with_their_recorded_truth(reader, pace):
    hub = FakeHub(same)
    played = play(reader, hub, pace)
    recorded = [
        d.info if isinstance(d, FrameMessage) else d
        for d in reader.documents()
        if isinstance(d, FrameMessage | AppliedMessage)
    ]
    assert hub.played == recorded
    assert hub.end == reader.end
    assert (played.n_frames, played.n_shots, played.n_lost) == (8, 4, 0)
    assert played.n_decisions == 4


def test_a_step_waits_for_the_decision_on_each_shot(reader) -> None:
    heard = []
    hub = FakeHub(same)
    play(
        reader, hub, "step",
        on_decision=lambda result, decision: heard.append((decision.id, len(hub.played))),
    )  # fmt: skip
    assert heard == [(0, 3), (1, 6), (2, 9), (3, 12)]  # applied + 2 frames, before the next shot


def test_a_step_without_a_worker_says_so(reader) -> None:
    with pytest.raises(StreamError, match=r"decision on shot 0; is a worker running"):
        play(reader, FakeHub(None), "step", decision_s=0.01)


class Slow(FakeHub):
    """Its worker answers when it was asked a hundred times, and then at once."""

    asked = 0

    def next_decision(self, timeout_s):
        self.asked += 1
        return super().next_decision(timeout_s) if self.asked > 100 else None


@pytest.mark.parametrize("pace", ["max", 1e6])
def test_a_worker_that_is_slow_at_first_is_waited_for(reader, monkeypatch, pace) -> None:
    monkeypatch.setattr(answers, "FIRST_ANSWER_S", 0.0)
    monkeypatch.setattr(answers, "PATIENCE_S", 0.0)
    monkeypatch.setattr(player, "MAX_AHEAD", 1)
    hub = Slow(same)
    assert play(reader, hub, pace).n_decisions == 4
    assert hub.asked > 100


def test_where_nobody_decides_a_replay_is_for_viewers(reader, monkeypatch) -> None:
    monkeypatch.setattr(answers, "FIRST_ANSWER_S", 0.0)
    monkeypatch.setattr(player, "MAX_AHEAD", 1)
    played = play(reader, FakeHub(None), "max")
    assert (played.n_shots, played.n_decisions) == (4, 0)


class Ticking:
    """A clock that goes on by a second whenever it is read."""

    now_s = 0.0

    def perf_counter(self) -> float:
        self.now_s += 1.0
        return self.now_s


class Pondering(FakeHub):
    """Its worker thinks for so many looks at the desk about each shot; then, maybe, no more."""

    def __init__(self, looks: int, falls_silent_after: int = 99) -> None:
        super().__init__(same)
        self.looks, self.left, self.silent_after = looks, looks, falls_silent_after

    def next_decision(self, timeout_s):
        if timeout_s == 0.0 or not self.answers or self.silent_after <= 0:
            return None
        self.left -= 1
        if self.left > 0:
            return None
        self.left = self.looks
        self.silent_after -= 1
        return super().next_decision(timeout_s)


def test_a_worker_is_given_its_time_for_each_shot_and_not_for_all_that_are_open(
    reader, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(answers, "time", Ticking())
    hub = Pondering(looks=8)
    assert play(reader, hub, "max", decision_s=20.0).n_decisions == 4  # 4 times 8 s and more
    assert not caplog.records


def test_a_worker_that_falls_silent_is_given_up_with_a_word(reader, monkeypatch, caplog) -> None:
    monkeypatch.setattr(answers, "time", Ticking())
    hub = Pondering(looks=2, falls_silent_after=1)
    assert play(reader, hub, "max", decision_s=20.0).n_decisions == 1
    assert "the worker is silent, with 3 shots unanswered" in caplog.text


def test_a_shot_that_lost_a_frame_is_not_waited_for(reader) -> None:
    heard = []
    hub = FakeHub(same, no_room=(2,))
    played = play(reader, hub, "step", decision_s=0.01, on_decision=lambda r, d: heard.append(d.id))
    assert heard == [0, 2, 3]
    assert played.n_lost == 1


def test_a_replay_can_be_stopped_and_says_so_in_its_end(reader) -> None:
    hub = FakeHub(same)
    played = play(reader, hub, wait=lambda seconds: len(hub.played) >= 4)
    assert played.was_stopped
    assert hub.end is not None
    assert (hub.end.status, hub.end.n_frames) == ("partial", played.n_frames)
    assert hub.end.last_seq == played.n_frames - 1 < reader.infos[-1].seq


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_a_paced_replay_shows_each_frame_when_it_is_due(reader, speed) -> None:
    now_ns = 0
    naps = []
    shown_ns = []

    def wait(seconds: float) -> bool:
        nonlocal now_ns
        now_ns += round(seconds * 1e9)
        naps.append(seconds)
        return False

    hub = FakeHub()
    publish = hub.publish

    def note(info, pixels):
        shown_ns.append(now_ns)
        return publish(info, pixels)

    hub.publish = note
    play(reader, hub, speed, wait=wait, clock_ns=lambda: now_ns)
    due_ns = [info.t_ns / speed for info in reader.infos]
    np.testing.assert_allclose(shown_ns, due_ns, atol=1000)
    assert max(naps) <= 0.05


def test_shots_that_the_recorded_worker_never_saw_are_declared_as_gaps(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer:
        for seq in range(6):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
            if seq in (0, 4):
                writer.document(encode(samples.result(seq, (seq,))))
                writer.document(encode(DecisionMessage(samples.decision(seq, (seq,)))))
    hub = FakeHub(lambda shot, seqs: (samples.result(shot, seqs), samples.decision(shot, seqs)))
    with RunReader(path) as run:
        play(run, hub, "step", judged_only=True)
    holes = [d for d in hub.played if isinstance(d, Gap)]
    assert holes == [Gap(1, 3, NOT_JUDGED), Gap(5, 5, NOT_JUDGED)]
    assert [d.seq for d in hub.played if not isinstance(d, Gap)] == [0, 4]
    assert hub.end is not None
    assert hub.end.reason == "the recording breaks off here"


def test_a_worker_that_was_started_anew_is_started_anew_in_the_replay(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer:
        for seq in range(4):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
            result = samples.result(seq, (seq,))
            fresh = msgspec.structs.replace(result, is_fresh=seq in (0, 2))
            writer.document(encode(fresh))
    fresh = []
    with RunReader(path) as run:
        hub = FakeHub()
        play(run, hub, on_fresh=lambda shot: fresh.append((shot, len(hub.played))))
    assert fresh == [(2, 2)]


def test_the_start_of_a_replay_is_a_session_of_its_own(reader) -> None:
    start = replay_start(reader, RingInfo("new", 4, 99), mode="event")
    assert start.origin == "replay of run.h5"
    assert start.session_id != reader.start.session_id
    assert start.ring.name == "new"
    assert (start.cameras, start.settings) == (reader.start.cameras, reader.start.settings)


def test_equal_decisions_are_counted_as_the_same(reader) -> None:
    verifier = Verifier(reader)
    play(reader, FakeHub(same), "step", on_decision=verifier.compare)
    assert (verifier.n_same, verifier.first, verifier.missing) == (4, None, [])


def test_the_first_difference_names_shot_frame_field_and_where_it_began(reader) -> None:
    def decide(shot, seqs):
        if shot < 2:
            return same(shot, seqs)
        return (
            samples.result(shot, seqs, snr=4.5),
            samples.decision(shot, seqs, 99.0, snr=4.5),
        )

    verifier = Verifier(reader)
    play(reader, FakeHub(decide), "step", on_decision=verifier.compare)
    first = verifier.first
    assert first is not None
    assert (verifier.n_same, first.shot, first.seq) == (2, 2, 4)
    assert [str(c) for c in first.decision] == [
        "settings.channels[0].exposure_ms: 13.0 -> 99.0",
        "inputs.snr: 5.0 -> 4.5",
    ]
    assert [str(c) for c in first.observation] == ["snr: 5.0 -> 4.5"]
    assert str(first).startswith("shot 2 (frame 4) is decided differently")


def test_decisions_that_are_missing_or_new_are_told(reader) -> None:
    verifier = Verifier(reader)
    verifier.compare(samples.result(9, (9,)), samples.decision(9, (9,)))
    assert verifier.missing == [0, 1, 2, 3]
    assert verifier.first is not None
    assert "no decision" in verifier.first.note


@pytest.mark.parametrize(("snr", "is_confirmed"), [(5.0, True), (4.5, False)])
def test_a_result_whose_decision_was_cut_off_is_compared_by_what_was_seen(
    tmp_path: Path, snr: float, is_confirmed: bool
) -> None:
    path = tmp_path / "run.h5"
    with RunWriter(path, samples.start()) as writer:
        for seq in range(3):
            pixels = samples.image(seq)
            writer.frame(samples.message(samples.info(seq), pixels), pixels)
            writer.document(encode(samples.result(seq, (seq,))))
            if seq < 2:  # then the scope was killed
                writer.document(encode(DecisionMessage(samples.decision(seq, (seq,)))))

    def decide(shot, seqs):
        seen = snr if shot == 2 else 5.0
        return samples.result(shot, seqs, snr=seen), samples.decision(shot, seqs, snr=seen)

    with RunReader(path) as run:
        verifier = Verifier(run)
        play(run, FakeHub(decide), "step", on_decision=verifier.compare, judged_only=True)
    assert (verifier.n_same, verifier.n_cut) == (2, int(is_confirmed))
    assert (verifier.first is None) == is_confirmed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"a": 1.0}, {"a": 1.0}, []),
        ({"a": float("nan")}, {"a": float("nan")}, []),
        ({"a": 0.0}, {"a": -0.0}, ["a: 0.0 -> -0.0"]),
        ({"a": 1}, {"b": 1}, ["a: 1 -> (nothing)", "b: (nothing) -> 1"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ["order: a, b -> b, a"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a: [1, 2] -> [1]"]),
    ],
)
def test_changes_are_named_field_by_field(old, new, said) -> None:
    assert [str(change) for change in changes(old, new)] == said


@pytest.mark.parametrize(
    ("first", "last", "seqs"),
    [(2, 5, [2, 3, 4, 5]), (3, 4, [2, 3, 4, 5]), (6, -1, [6, 7]), (0, 1, [0, 1])],
)
def test_an_excerpt_plays_whole_shots_and_says_what_it_leaves_out(reader, first, last, seqs):
    hub = FakeHub(same)
    played = play(reader, hub, "step", first=first, last=last)
    infos = [document for document in hub.played if hasattr(document, "seq")]
    assert [info.seq for info in infos] == seqs
    gaps = [document for document in hub.played if isinstance(document, Gap)]
    assert gaps == ([Gap(0, seqs[0] - 1, NOT_PLAYED)] if seqs[0] else [])
    assert played.n_decisions == len(seqs) // 2
    assert hub.end is not None
    assert (hub.end.last_seq, hub.end.status) == (seqs[-1], "complete")
    assert "excerpt" in hub.end.reason


def test_an_excerpt_of_nothing_is_refused(reader) -> None:
    with pytest.raises(RunFileError, match="no frame from 90 to the end"):
        play(reader, FakeHub(same), first=90)
