"""The hub with real sockets: what each kind of listener is promised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from realtime import client
from realtime.client import StreamClient
from realtime.errors import FrameLapped, StreamError
from realtime.hub import Hub
from realtime.stream.address import Address
from realtime.stream.control import ControlClient
from realtime.wire import (
    DecisionMessage,
    End,
    FrameMessage,
    Gap,
    Notice,
    Result,
    RingInfo,
    Start,
)
from tests.stream_session import (
    PATIENCE_MS,
    PATIENCE_S,
    SETTINGS,
    Session,
    answer,
    frames_of,
    image,
    next_of,
    said_until,
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(tmp_path)
    yield opened
    opened.close()


def test_a_lossless_listener_gets_every_frame_in_order_with_its_pixels(session: Session) -> None:
    with session.join("recorder", "lossless", 100) as recorder:
        session.publish(range(8))
        for seq in range(8):
            got = recorder.receive(PATIENCE_MS)
            assert got is not None
            message = got[1]
            assert isinstance(message, FrameMessage)
            assert message.info.seq == seq
            assert np.array_equal(recorder.pixels(message), image(seq))
            recorder.check(message, with_sum=True)
            recorder.ack(seq, 1)


def test_a_recorder_that_comes_back_resumes_behind_what_is_on_its_disk(session: Session) -> None:
    with session.join("recorder", "lossless", 100) as first:
        session.publish(range(6))
        assert frames_of(first, 6) == list(range(6))
        first.ack(2, 3)
    with session.join("recorder", "lossless", 100, resume_from=3) as second:
        assert frames_of(second, 2) == [4, 5]


def test_a_full_ring_declares_the_frame_lost_instead_of_waiting_for_ever(session: Session) -> None:
    with session.join("recorder", "lossless", 100) as recorder:
        session.publish(range(9))  # eight slots, nothing acknowledged
        assert frames_of(recorder, 8) == list(range(8))
        gap = next_of(recorder, Gap)
        assert (gap.seq_from, gap.seq_to) == (8, 8)
        assert "half the ring" in session.hub.recorder_trouble()
        recorder.ack(7, 8)
        session.wait_for_room(1)
        session.publish(range(9, 10))
        assert frames_of(recorder, 1) == [9]


def test_a_viewer_gets_the_newest_frame_when_it_asks(session: Session) -> None:
    with session.join("window", "latest", 1) as window:
        session.publish(range(1))
        assert frames_of(window, 1) == [0]
        session.publish(range(1, 6))
        session.hub.wait_for(set(), 0)
        with session.join("other", "latest", 1) as other:  # the hub has now seen all six
            assert frames_of(other, 0) == []
            window.ack(0, 1)
            assert frames_of(window, 1) == [5]


def test_a_lapped_frame_is_noticed_after_use(session: Session) -> None:
    with session.join("window", "latest", 1) as window:
        session.publish(range(1))
        got = window.receive(PATIENCE_MS)
        assert got is not None
        assert isinstance(got[1], FrameMessage)
        session.publish(range(1, 9))
        with pytest.raises(FrameLapped, match="a whole ring behind"):
            window.check(got[1])


@pytest.mark.parametrize("keeps_order", [True, False])
def test_where_stamps_are_not_enough_every_check_compares_the_bytes(
    session: Session, monkeypatch: pytest.MonkeyPatch, keeps_order: bool
) -> None:
    monkeypatch.setattr(client, "KEEPS_STORE_ORDER", keeps_order)
    with session.join("window", "latest", 1) as window:
        session.publish(range(1))
        frame = next_of(window, FrameMessage)
        window.check(frame)
        session.ring._bytes[frame.slot, 0] ^= 1  # a store that was not seen in its order
        if keeps_order:
            window.check(frame)
        else:
            with pytest.raises(FrameLapped, match="checksum"):
                window.check(frame)


def test_a_decision_comes_back_with_the_result_it_follows(session: Session) -> None:
    with session.join("worker", "shots", 1) as worker:
        session.publish(range(1))
        got = worker.receive(PATIENCE_MS)
        assert got is not None
        assert isinstance(got[1], FrameMessage)
        for message in answer(got[1]):
            worker.send(message)
        came = session.hub.next_decision(PATIENCE_S)
        assert came is not None
        assert came[1].id == 0
        assert came[0].shot == 0
        assert session.hub.next_decision(0.0) is None


def test_the_end_of_a_run_does_not_part_a_decision_from_its_result(session: Session) -> None:
    recorder, worker = session.join("recorder", "lossless", 100), session.join("worker", "shots", 1)
    with recorder, worker:
        session.publish(range(1))
        result, decision = answer(next_of(worker, FrameMessage))
        worker.send(result)
        worker.send(Notice("info", "the desk has the result", 0))
        said = said_until(recorder, Notice)
        recorder.ack(0, 1)
        end = End(0, 1, 0, "complete", "stopped", is_dark=True)
        assert session.hub.finish(end, PATIENCE_S)
        worker.send(decision)
        assert session.hub.next_decision(PATIENCE_S) is not None, "it is heard all the same"
        said += said_until(recorder, DecisionMessage)
    assert said == [FrameMessage, Notice, End, Result, DecisionMessage]


def test_a_viewer_may_not_decide(session: Session) -> None:
    with session.join("window", "latest", 1) as window:
        session.publish(range(1))
        got = window.receive(PATIENCE_MS)
        assert got is not None
        assert isinstance(got[1], FrameMessage)
        for message in answer(got[1]):
            window.send(message)
        window.ack(0, 1)
        session.publish(range(1, 2))
        assert frames_of(window, 1) == [1]
        assert session.hub.next_decision(0.0) is None
        assert session.hub.refused == 2


def test_in_stream_mode_the_worker_gets_the_newest_complete_shot(tmp_path: Path) -> None:
    session = Session(tmp_path, mode="stream")
    try:
        with session.join("worker", "shots", 0) as worker:
            session.publish(range(7), frames_per_shot=2)  # three whole shots and a half
            with session.join("other", "latest", 1):
                worker.ack(-1, 1)
                assert frames_of(worker, 2) == [4, 5]
    finally:
        session.close()


def test_the_end_waits_for_the_recorder(session: Session) -> None:
    with session.join("recorder", "lossless", 100) as recorder:
        session.publish(range(1))
        end = End(0, 1, 0, "complete", "all shots taken", is_dark=True)
        assert not session.hub.finish(end, 0.05)
        recorder.ack(0, 1)
        assert session.hub.wait_for({"recorder"}, PATIENCE_S)


def test_a_command_is_answered_and_a_stranger_is_not(session: Session) -> None:
    control = ControlClient(session.address)
    reply = control.command("stop_light", PATIENCE_MS)
    assert reply is not None
    assert (reply.name, reply.is_ok, reply.is_dark) == ("stop_light", True, True)
    control.close()
    stranger = ControlClient(msgspec.structs.replace(session.address, token="guess"))
    assert stranger.command("stop_light", 300) is None
    stranger.close()
    assert session.commands == ["stop_light"]


def test_a_stranger_gets_no_frames_and_a_reason(session: Session) -> None:
    address = msgspec.structs.replace(session.address, token="guess")
    client = StreamClient(address, "x", "latest", 1)
    with client, pytest.raises(StreamError, match="token"):
        client.start(0.3)


def test_a_second_run_at_the_same_place_is_refused_in_one_sentence(tmp_path: Path) -> None:
    session = Session(tmp_path)
    try:
        start = Start("two", 0, 0, (), RingInfo("none", 8, 64), SETTINGS)
        with pytest.raises(StreamError, match=r"taken|another run"):
            Hub(session.address, start, session.ring)
    finally:
        session.close()


def test_only_this_machine_is_listened_to(session: Session) -> None:
    start = Start("two", 0, 0, (), session.ring.info, SETTINGS)
    with pytest.raises(StreamError, match="stay on this machine"):
        Hub(Address("tcp://0.0.0.0:0", *2 * ["tcp://127.0.0.1:0"], ""), start, session.ring)
