"""What happens where a lossless listener is a whole ring behind, and who hears of it."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from realtime.client import StreamClient
from realtime.errors import StreamError
from realtime.ring import Ring, new_name
from realtime.stream import room, usher
from realtime.wire import FrameMessage, Gap, Notice, RestoredSlot, Result, RingInfo
from tests.stream_session import Session, answer, frames_of, next_of


def notice(client: StreamClient, word: str) -> str:
    while True:
        text = next_of(client, Notice).text
        if word in text:
            return text


def test_stall_waits_for_the_recorder_and_says_so(tmp_path: Path) -> None:
    with (
        closing(Session(tmp_path, slots=4, stall_s=30.0)) as session,
        session.join("recorder", "lossless", 100) as recorder,
        session.join("window", "latest", 1) as window,
    ):

        def catch_up() -> None:
            assert "the run waits for it, up to 30 s" in notice(window, "ring behind")
            recorder.ack(3, 4)

        helper = threading.Thread(target=catch_up)
        helper.start()
        session.publish(range(5))
        helper.join()
        assert frames_of(recorder, 4) == [0, 1, 2, 3]
        assert "nothing was lost" in notice(recorder, "caught up")
        assert frames_of(recorder, 1) == [4]
        assert (session.hub.gaps, session.hub.room.stalls) == (0, 1)


def test_a_wait_of_a_wink_is_counted_and_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(room, "WINK_S", 30.0)
    with (
        closing(Session(tmp_path, slots=4, stall_s=60.0)) as session,
        session.join("recorder", "lossless", 100) as recorder,
    ):

        def catch_up() -> None:
            assert frames_of(recorder, 4) == [0, 1, 2, 3]
            while not session.hub.room.stalls:
                time.sleep(0)  # until the publisher waits
            recorder.ack(3, 4)

        helper = threading.Thread(target=catch_up)
        helper.start()
        session.publish(range(5))
        helper.join()
        assert frames_of(recorder, 1) == [4]
        assert session.hub.room.stalls == 1
    assert "ring behind" not in caplog.text


def test_gap_waits_for_nobody_declares_every_frame_and_says_so(tmp_path: Path) -> None:
    with (
        closing(Session(tmp_path, slots=4, stall_s=30.0, when_full="gap")) as session,
        session.join("recorder", "lossless", 100) as recorder,
        session.join("window", "latest", 1) as window,
    ):
        began = time.perf_counter()
        session.publish(range(7))
        assert time.perf_counter() - began < 30.0, "not even one stall"
        assert "lost until it has caught up" in notice(window, "ring behind")
        assert frames_of(recorder, 4) == [0, 1, 2, 3]
        lost = [next_of(recorder, Gap) for _ in range(3)]
        assert [(g.seq_from, g.seq_to) for g in lost] == [(4, 4), (5, 5), (6, 6)]
        recorder.ack(6, 4)
        session.wait_for_room(1)
        session.publish(range(7, 8))
        assert "3 frames were lost" in notice(window, "caught up")
        assert frames_of(recorder, 1) == [7]


def test_a_recorder_that_has_caught_up_gets_frames_again_however_many_were_lost(
    tmp_path: Path,
) -> None:
    with (
        closing(Session(tmp_path, slots=4, when_full="gap")) as session,
        session.join("recorder", "lossless", 100) as recorder,
    ):
        session.publish(range(40))
        assert session.hub.gaps == 36
        assert frames_of(recorder, 4) == [0, 1, 2, 3]
        recorder.ack(3, 4)  # before it has seen one of the gaps
        session.wait_for_room(4)
        assert not session.hub.has_room(5)
        session.publish(range(40, 44))
        assert session.hub.gaps == 36
        assert frames_of(recorder, 4) == [40, 41, 42, 43]
        session.publish(range(44, 45))
        assert session.hub.gaps == 37, "now the ring is full of unsaved frames again"


def test_nobody_is_waited_for_twice(tmp_path: Path) -> None:
    with (
        closing(Session(tmp_path, slots=4, stall_s=0.2)) as session,
        session.join("recorder", "lossless", 100),
    ):
        session.publish(range(20))
        assert session.hub.gaps == 16
        assert session.hub.room.stalls == 1
        assert session.hub.room.stalled_s < 16 * 0.2


def test_a_silent_listener_loses_its_seat_but_not_the_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usher, "PATIENCE_S", 0.2)
    with (
        closing(Session(tmp_path)) as session,
        session.join("recorder", "lossless", 100) as recorder,
        session.join("copy", "lossless", 100) as other,
    ):
        with pytest.raises(StreamError, match="lost its seat"):
            next_of(other, Result)
        assert "'copy' has said nothing" in notice(recorder, "seat")
        assert "recorder" in session.hub.present()
        assert "copy" not in session.hub.present()


def test_a_restored_image_comes_to_the_viewer_by_its_name_until_it_is_overwritten(
    tmp_path: Path,
) -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    with (
        closing(Session(tmp_path)) as session,
        Ring.create(new_name("restored"), 2, image.nbytes) as ring,
        session.join("worker", "shots", 10) as worker,
        session.join("window", "latest", 10) as window,
    ):
        session.publish(range(1))
        result, decision = answer(next_of(worker, FrameMessage))
        slot, generation = ring.write(0, image)
        where = RestoredSlot(ring.info, slot, generation, 3, 4)
        worker.send(_with(result, where))
        worker.send(decision)
        assert session.hub.next_decision(5.0) is not None
        named = next_of(window, Result).restored
        assert named == where
        seen = window.restored(named)
        assert seen is not None
        assert np.array_equal(seen, image)
        ring.write(2, image + 1)  # the same slot
        assert window.restored(named) is None
        nowhere = RestoredSlot(RingInfo("ll_gone", 2, 64), 0, 1, 3, 4)
        assert window.restored(nowhere) is None


def _with(result: Result, where: RestoredSlot) -> Result:
    return msgspec.structs.replace(result, restored=where)
