"""The promises of each seat, over random orders of publishing, acknowledging and coming back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied
from realtime.stream.seats import NOTHING, Seats
from realtime.wire import Ack, FrameMessage, Hello

APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)
SLOTS = 6


def frame(seq: int, per_shot: int = 1) -> FrameMessage:
    shot, place = divmod(seq, per_shot)
    info = FrameInfo(
        seq,
        "c",
        seq,
        0,
        0.0,
        Shot(shot, 0, per_shot),
        place,
        Index(t=shot),
        4,
        4,
        (0, 0, 0),
        APPLIED,
    )
    return FrameMessage(info, seq % SLOTS, seq // SLOTS + 1, 32, 0)


def packet(seq: int) -> bytes:
    return b"frame %d" % seq


def seqs(packets: list[bytes]) -> list[int]:
    return [int(p.split()[1]) for p in packets if p.startswith(b"frame")]


actions = st.lists(st.sampled_from(["frame", "document", "ack", "crash"]), max_size=60)


@settings(max_examples=200, deadline=None)
@given(actions)
def test_a_recorder_that_crashes_at_will_misses_nothing_and_repeats_nothing(
    todo: list[str],
) -> None:
    seats = Seats(SLOTS)
    seat = seats.sit(b"recorder", Hello("recorder", "lossless", 100), 0)
    disk: list[bytes] = []
    memory: list[bytes] = []
    published: list[bytes] = []
    for n, action in enumerate(todo):
        if action == "frame" and seats.unacked() < SLOTS:
            published.append(packet(seats.head_seq + 1))
            seats.add(published[-1], frame(seats.head_seq + 1), for_worker=True)
        elif action == "document":
            published.append(b"document %d" % n)
            seats.add(published[-1], for_worker=False)
        elif action == "ack":
            disk += memory
            memory = []
            seats.ack(seat, Ack(max(seqs(disk), default=-1), 10), 0)
        elif action == "crash":
            memory = []
            hello = Hello("recorder", "lossless", 100, max(seqs(disk), default=-1))
            seat = seats.sit(b"recorder", hello, 0)
            assert seats.lost(seat) is None
        memory += seats.due(seat)
    got = disk + memory
    assert seqs(got) == seqs(published)
    for document in published:
        assert document in got, "a document may come twice after a crash, but never not at all"


def test_a_document_behind_a_frame_that_left_the_ring_is_not_lost_by_a_crash() -> None:
    seats = Seats(SLOTS)
    seat = seats.sit(b"recorder", Hello("recorder", "lossless", 100), 0)
    seats.add(packet(0), frame(0), for_worker=True)
    seats.ack(seat, Ack(0, 1), 0)
    seats.add(b"document 0", for_worker=False)
    for seq in range(1, SLOTS + 1):
        seats.add(packet(seq), frame(seq), for_worker=True)
    again = seats.sit(b"recorder", Hello("recorder", "lossless", 100, 0), 0)
    assert seats.due(again)[:2] == [b"document 0", packet(1)]


@given(st.integers(1, 30), st.integers(0, 40))
def test_a_viewer_never_sees_an_old_frame_and_never_pins_one(frames: int, credit: int) -> None:
    seats = Seats(SLOTS)
    seat = seats.sit(b"w", Hello("window", "latest", credit), 0)
    for seq in range(frames):
        seats.add(packet(seq), frame(seq), for_worker=True)
    assert seqs(seats.due(seat)) == ([frames - 1] if credit else [])
    assert seats.pinned_from() == NOTHING
    assert seqs(seats.due(seat)) == []


def test_the_log_is_bounded_without_a_recorder_and_with_a_sleeping_worker() -> None:
    seats = Seats(SLOTS)
    worker = seats.sit(b"worker", Hello("worker", "shots", 0), 0)
    for seq in range(500):
        seats.add(packet(seq), frame(seq), for_worker=True)
        seats.add(b"document", for_worker=False)
    assert len(seats.log) <= 2 * SLOTS + 1
    worker.credit = 100
    assert seqs(seats.due(worker)) == list(range(500 - SLOTS, 500))


def test_a_worker_that_comes_back_starts_with_the_shot_that_is_waited_for() -> None:
    seats = Seats(SLOTS)
    seat = seats.sit(b"worker", Hello("worker", "shots", 100), 0)
    for seq in range(5):
        seats.add(packet(seq), frame(seq, 2), for_worker=True)
    assert seqs(seats.due(seat)) == [0, 1, 2, 3, 4]
    again = seats.sit(b"worker", Hello("worker", "shots", 100), 0)
    assert seqs(seats.due(again)) == [4]


def test_a_recorder_that_slept_too_long_is_told_what_is_gone() -> None:
    seats = Seats(SLOTS)
    for seq in range(10):
        seats.add(packet(seq), frame(seq), for_worker=True)
    seat = seats.sit(b"recorder", Hello("recorder", "lossless", 100), 0)
    lost = seats.lost(seat)
    assert lost is not None
    assert (lost.seq_from, lost.seq_to) == (0, 3)
    assert seqs(seats.due(seat)) == [4, 5, 6, 7, 8, 9]


def test_the_workers_frame_goes_out_before_the_screens() -> None:
    seats = Seats(SLOTS)
    seats.sit(b"window", Hello("window", "latest", 1), 0)
    seats.sit(b"recorder", Hello("recorder", "lossless", 1), 0)
    seats.sit(b"worker", Hello("worker", "shots", 1), 0)
    assert next(iter(seats.seats)) == b"worker"


def test_a_gap_that_was_declared_is_not_declared_again_to_who_comes_back() -> None:
    seats = Seats(SLOTS)
    seat = seats.sit(b"recorder", Hello("recorder", "lossless", 100), 0)
    for seq in range(5):
        seats.add(packet(seq), frame(seq), for_worker=True)
    seats.add(b"gap 5-7", for_worker=True)
    seats.add(packet(8), frame(8), for_worker=True)
    seats.due(seat)
    seats.ack(seat, Ack(4, 5), 0)
    again = seats.sit(b"recorder", Hello("recorder", "lossless", 100, 4), 0)
    assert seats.lost(again) is None
    assert seats.due(again) == [b"gap 5-7", packet(8)]


def test_a_viewer_gets_the_last_frame_of_a_run_whether_it_asked_or_not() -> None:
    seats = Seats(SLOTS)
    seat = seats.sit(b"w", Hello("window", "latest", 1), 0)
    for seq in range(3):
        seats.add(packet(seq), frame(seq), for_worker=True)
    assert seqs(seats.due(seat)) == [2]
    seats.add(packet(3), frame(3), for_worker=True)
    assert seqs(seats.due(seat)) == []
    seats.is_over = True
    assert seqs(seats.due(seat)) == [3]


def test_a_stream_shows_the_worker_the_newest_shot_that_is_whole() -> None:
    seats = Seats(SLOTS, "stream")
    worker = seats.sit(b"worker", Hello("worker", "shots", 0), 0)
    for seq in (0, 1, 3):  # frame 2 was lost, and shot 1 ends without it
        seats.add(packet(seq), frame(seq, 2), for_worker=True)
    worker.credit = 4
    assert seqs(seats.due(worker)) == [0, 1]
    for seq in range(4, 9):
        seats.add(packet(seq), frame(seq, 2), for_worker=True)
    assert seqs(seats.due(worker)) == [6, 7]
