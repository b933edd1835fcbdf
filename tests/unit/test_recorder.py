"""The recorder: acknowledge only what is safe, lose nothing that came, end in good order."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import h5py
import msgspec
import numpy as np
import pytest

from realtime import recorder, recording
from realtime.errors import FrameLapped, RunFileError, StreamError
from realtime.recorder import RecordOptions, record, resume_point
from realtime.run_file import RunReader, examine
from realtime.run_file.journal import decode_document
from realtime.run_file.part import Part
from realtime.stream.digest import StreamDigest
from realtime.wire import DecisionMessage, Gap, encode
from tests.unit import run_samples as samples


class FakeClient:
    """A hub's side of the stream: hands out a script, and notes what is acknowledged."""

    def __init__(self, script, path: Path, lapped=(), start=None) -> None:
        self.script = deque(script)
        self.path = path
        self.lapped = lapped
        self.first = start or samples.start()
        self.acks: list[tuple[int, int]] = []
        self.unsafe: list[int] = []

    def start(self, timeout_s):
        return self.first

    def receive(self, timeout_ms):
        if not self.script:
            return None
        message = self.script.popleft()
        if isinstance(message, Exception):
            raise message
        return encode(message), message

    def pixels(self, message):
        return samples.image(message.info.seq)

    def check(self, message, *, with_sum):
        assert with_sum
        if message.info.seq in self.lapped:
            raise FrameLapped("a ring too late")

    def ack(self, upto, credit):
        self.acks.append((upto, credit))
        if resume_point(self.path) < upto:
            self.unsafe.append(upto)


def frames(*seqs):
    return [samples.message(samples.info(seq), samples.image(seq)) for seq in seqs]


def test_a_whole_session_is_recorded_and_every_frame_acknowledged(tmp_path: Path) -> None:
    answer = DecisionMessage(samples.decision(3, (3,)))
    script = [*frames(*range(20)), answer, samples.end(20)]
    client = FakeClient(script, tmp_path / "run.h5")
    ready = []
    done = record(client, tmp_path / "run.h5", on_ready=lambda: ready.append(len(client.script)))
    assert (done.status, done.n_frames, done.n_gaps, done.last_seq) == ("complete", 20, 0, 19)
    assert ready == [22]
    assert client.acks[-1][0] == 19
    assert sum(credit for _, credit in client.acks) == 20
    with RunReader(tmp_path / "run.h5") as reader:
        assert reader.status == "complete"
        assert list(reader.documents()) == [samples.start(), *script]
        np.testing.assert_array_equal(reader.pixels(13), samples.image(13))


def test_nothing_is_acknowledged_before_it_is_safe_on_disk(tmp_path: Path) -> None:
    client = FakeClient([*frames(*range(30)), samples.end(30)], tmp_path / "run.h5")
    record(client, tmp_path / "run.h5")
    assert len(client.acks) >= 3
    assert client.unsafe == []


def test_a_lost_hub_leaves_a_partial_file_with_all_that_came(tmp_path: Path) -> None:
    script = [*frames(0, 1, 2), StreamError("the hub is gone")]
    done = record(FakeClient(script, tmp_path / "run.h5"), tmp_path / "run.h5")
    assert (done.status, done.reason, done.n_frames) == ("partial", "the hub is gone", 3)
    with RunReader(tmp_path / "run.h5") as reader:
        assert (reader.status, len(reader.infos)) == ("partial", 3)


def test_a_stop_still_records_what_is_on_its_way(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recorder, "LAST_WORDS_MS", 5)
    client = FakeClient(frames(0, 1, 2), tmp_path / "run.h5")
    done = record(client, tmp_path / "run.h5", should_stop=lambda: True)
    assert (done.status, done.n_frames) == ("partial", 3)
    assert "stopped" in done.reason


def test_a_silent_hub_hears_that_the_recorder_lives(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recording, "HEARTBEAT_MS", 0)
    monkeypatch.setattr(recorder, "LAST_WORDS_MS", 5)
    client = FakeClient([], tmp_path / "run.h5")
    record(client, tmp_path / "run.h5", should_stop=lambda: len(client.acks) > 3)
    assert client.acks[:3] == [(-1, 0)] * 3


def test_a_frame_that_was_overwritten_is_declared_lost_and_the_run_goes_on(tmp_path: Path) -> None:
    client = FakeClient([*frames(0, 1, 2), samples.end(3)], tmp_path / "run.h5", lapped=(1,))
    done = record(client, tmp_path / "run.h5")
    assert (done.n_frames, done.n_gaps) == (2, 1)
    with RunReader(tmp_path / "run.h5") as reader:
        assert [(gap.seq_from, gap.seq_to) for gap in reader.gaps] == [(1, 1)]
        assert [info.seq for info in reader.infos] == [0, 2]


def test_gaps_at_the_end_are_acknowledged_and_complete_the_run(tmp_path: Path) -> None:
    script = [*frames(0, 1), Gap(2, 4, "camera_overrun"), samples.end(5, n_gaps=1)]
    client = FakeClient(script, tmp_path / "run.h5")
    assert record(client, tmp_path / "run.h5").status == "complete"
    assert client.acks[-1][0] == 4


def test_a_run_whose_last_frames_never_came_is_not_called_complete(tmp_path: Path) -> None:
    client = FakeClient([*frames(0, 1), samples.end(5)], tmp_path / "run.h5")
    assert record(client, tmp_path / "run.h5").status == "partial"


def test_a_restarted_recorder_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    answer = DecisionMessage(samples.decision(2, (2,)))
    record(FakeClient([*frames(0, 1, 2), answer, StreamError("killed")], path), path)
    assert resume_point(path) == 2
    record(FakeClient([answer, *frames(3, 4), samples.end(5)], path), path)
    with RunReader(path) as reader:
        assert [info.seq for info in reader.infos] == [0, 1, 2, 3, 4]
        assert (reader.status, len(reader.decisions), reader.gaps) == ("complete", 1, [])
        assert len(reader.parts) == 2


def test_the_name_of_another_run_is_refused_before_anything_is_taken(tmp_path: Path) -> None:
    samples.write_run(tmp_path / "run.h5")
    client = FakeClient(frames(0), tmp_path / "run.h5", start=samples.start(session_id="other"))
    with pytest.raises(RunFileError, match="another run"):
        record(client, tmp_path / "run.h5")
    assert len(client.script) == 1


def test_frames_are_stored_as_they_are_only_while_many_wait(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    done = record(FakeClient([*frames(*range(20)), samples.end(20)], path), path)
    assert done.n_raw == 20 - recording.BEHIND_FRAMES
    with RunReader(path) as reader:
        for seq in range(20):
            np.testing.assert_array_equal(reader.pixels(seq), samples.image(seq))
    with h5py.File(path) as file:
        is_raw = file["entry/frames"]["is_raw"]
        masks = [file["entry/cam0/data"].id.get_chunk_info(n).filter_mask for n in range(20)]
        np.testing.assert_array_equal(file["entry/cam0/data"][3], samples.image(3))
    assert is_raw.tolist() == masks == 12 * [1] + 8 * [0]


def test_a_full_part_is_closed_and_the_run_goes_on_in_the_next(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recording, "FLUSH_MS", 60_000)  # flushes are counted here, not timed
    path = tmp_path / "run.h5"
    script = [*frames(*range(40)), samples.end(40)]
    record(FakeClient(script, path), path, options=RecordOptions(part_bytes=1))
    with RunReader(path) as reader:
        assert len(reader.parts) == 5
        assert list(reader.documents()) == [samples.start(), *script]
        np.testing.assert_array_equal(reader.pixels(39), samples.image(39))
    assert examine(path).is_whole


def digest_of(*seqs: int) -> str:
    digest = StreamDigest()
    for message in frames(*seqs):
        digest.add(message.info.seq, message.xxh3)
    return str(digest)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_recorder_that_has_other_frames_than_the_hub_sent_writes_it_down(
    tmp_path: Path, is_restarted: bool
) -> None:
    for name, sent, is_told in (("same", (0, 1, 2, 3), False), ("other", (0, 1, 2, 9), True)):
        path = tmp_path / f"{name}.h5"
        end = msgspec.structs.replace(samples.end(4), digest=digest_of(*sent))
        script = [*frames(0, 1), *([StreamError("killed")] if is_restarted else [])]
        if is_restarted:
            record(FakeClient(script, path), path)
            script = []
        record(FakeClient([*script, *frames(2, 3), end], path), path)
        with RunReader(path) as reader:
            assert any("but the hub sent" in n.text for n in reader.notices) == is_told
            assert reader.end == end, "the end stays the last document"
            assert list(reader.documents())[-1] == end


def test_a_part_that_cannot_be_read_any_more_does_not_cost_the_run_its_end(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    for script in (frames(0, 1), frames(2, 3)):
        record(FakeClient([*script, StreamError("killed")], path), path)
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file["entry/journal/offsets"][2] = 1 << 40
    end = msgspec.structs.replace(samples.end(5), digest=digest_of(0, 1, 2, 3, 4))
    recorded = record(FakeClient([*frames(4), end], path), path)
    assert (recorded.status, recorded.last_seq) == ("complete", 4)
    notice, last = examined_tail(tmp_path / "run.002.h5")
    assert last == end
    assert "cannot be told: run.h5" in notice.text


def examined_tail(path: Path) -> list:
    with Part(path) as part:
        return [decode_document(packet, path.name) for packet in part.packets()][-2:]
