"""The stream from an attacker's side: a test for each rule that keeps a stranger's hands off it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psutil
import pytest
import zmq

from realtime.client import StreamClient
from realtime.errors import StreamError
from realtime.stream import sockets
from realtime.stream.address import (
    NAMES,
    Address,
    local_address,
    read_address,
    show_token,
    write_address,
)
from realtime.stream.commands import VALID_S
from realtime.stream.control import ControlClient
from realtime.wire import (
    Ack,
    Command,
    DecisionMessage,
    FrameMessage,
    FromClient,
    FromHub,
    Hello,
    Notice,
    Refused,
    Reply,
    decode_from_hub,
    encode,
)
from tests.stream_session import Session, answer, frames_of, next_of

QUIET_MS = 300  # how long an answer that must not come is listened for
ANSWER_MS = 10_000
SLACK_MS = 2.0  # a poll of a socket that is full waits longer than that


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(tmp_path)
    yield opened
    opened.close()


class Raw:
    """A socket that says whatever it likes, with or without the token."""

    def __init__(self, address: Address, endpoint: str, *, knows_token: bool = True) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDTIMEO, ANSWER_MS)
        if knows_token:
            show_token(self.socket, address)
        self.socket.connect(endpoint)

    def say(self, message: FromClient) -> None:
        self.socket.send(encode(message))

    def hear(self, timeout_ms: int = ANSWER_MS) -> FromHub | None:
        return decode_from_hub(self.socket.recv()) if self.socket.poll(timeout_ms) else None

    def close(self) -> None:
        self.socket.close()
        self._context.term()


def order(session: Session, name: str, valid_s: float = VALID_S) -> Command:
    expires_t_ns = time.perf_counter_ns() + int(valid_s * 1e9)
    return Command(name, session.address.token, uuid.uuid4().hex, max(expires_t_ns, 0))


def stop_light_s(session: Session) -> float:
    """Return how long STOP LIGHT takes to be answered, s."""
    began = time.perf_counter()
    with closing(ControlClient(session.address)) as person:
        reply = person.command("stop_light", ANSWER_MS)
    assert reply is not None
    assert reply.is_dark
    return time.perf_counter() - began


def until_refused(session: Session, count: int) -> None:
    deadline = time.perf_counter() + 30.0
    while session.hub.refused < count and time.perf_counter() < deadline:
        session.hub.wait_for({"nobody"}, 0.02)
    assert session.hub.refused == count


# ------------------------------------------------------------------------------ who may speak


@pytest.mark.parametrize("where", ["stream", "work", "control"])
def test_without_the_token_nothing_is_heard_and_nothing_is_answered(
    session: Session, where: str
) -> None:
    endpoint = getattr(session.address, where)
    with closing(Raw(session.address, endpoint, knows_token=False)) as stranger:
        stranger.say(Hello("recorder", "lossless", 10, token=session.address.token))
        stranger.say(order(session, "stop"))
        assert stranger.hear(QUIET_MS) is None
    assert (session.commands, session.hub.refused, session.hub.present()) == ([], 0, set())


def test_a_hello_with_another_token_gets_no_seat(session: Session) -> None:
    with closing(Raw(session.address, session.address.stream)) as raw:
        raw.say(Hello("window", "latest", 1, token="guess"))
        assert raw.hear() == Refused("the token is not this session's")
    assert session.hub.present() == set()


@pytest.mark.parametrize(("where", "policy"), [("stream", "latest"), ("work", "shots")])
def test_who_speaks_another_major_protocol_is_told_so(
    session: Session, where: str, policy: str
) -> None:
    with closing(Raw(session.address, getattr(session.address, where))) as raw:
        raw.say(Hello("x", policy, 1, token=session.address.token, protocol=(2, 0)))
        assert raw.hear() == Refused("protocol 2 is spoken there, 1 here")
        raw.say(Hello("x", policy, 1, token=session.address.token, protocol=(1, 99)))
        assert not isinstance(raw.hear(), Refused)


def test_a_viewer_moves_nothing_not_even_on_the_control_socket(session: Session) -> None:
    session.publish(range(1))
    messages: list[FromClient] = [
        Hello("window", "latest", 1, token=session.address.token), Ack(0, 1), Notice("info", "hi"),
    ]  # fmt: skip
    with closing(Raw(session.address, session.address.control)) as viewer:
        for message in messages:
            viewer.say(message)
        assert viewer.hear(QUIET_MS) is None
    until_refused(session, 3)
    with closing(Raw(session.address, session.address.stream)) as viewer:
        viewer.say(Hello("window", "latest", 1, token=session.address.token))
        viewer.say(order(session, "stop"))
        until_refused(session, 4)
    assert session.commands == []


def test_a_command_carries_a_word_and_no_light() -> None:
    assert set(Command.__struct_fields__) == {"name", "token", "id", "expires_t_ns"}


# ------------------------------------------------------------------------------ said twice, or late


def test_a_replayed_command_is_obeyed_once(session: Session) -> None:
    command = order(session, "resume")
    replies = []
    for _ in range(2):  # another connection: who overheard it has the bytes, not the socket
        with closing(Raw(session.address, session.address.control)) as raw:
            raw.say(command)
            replies.append(raw.hear())
    first, second = replies
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.is_ok, first.id) == (True, command.id)
    assert (second.is_ok, second.text) == (False, "the command was given before")
    assert (session.commands, session.hub.refused) == (["resume"], 1)


@pytest.mark.parametrize(
    ("valid_s", "has_id", "why"),
    [(-1.0, True, "expired"), (60.0, True, "at most"), (1.0, False, "id of its own")],
)
def test_a_command_that_is_late_or_nameless_moves_nothing(
    session: Session, valid_s: float, has_id: bool, why: str
) -> None:
    command = order(session, "resume", valid_s)
    command = command if has_id else msgspec.structs.replace(command, id="")
    with closing(Raw(session.address, session.address.control)) as raw:
        raw.say(command)
        reply = raw.hear()
    assert isinstance(reply, Reply)
    assert not reply.is_ok
    assert why in reply.text
    assert (session.commands, session.hub.refused) == ([], 1)


def test_stop_light_is_obeyed_however_late_or_often_it_comes(session: Session) -> None:
    command = Command("stop_light", session.address.token)
    with closing(Raw(session.address, session.address.control)) as raw:
        for _ in range(2):
            raw.say(command)
            reply = raw.hear()
            assert isinstance(reply, Reply)
            assert reply.is_dark
    assert session.commands == ["stop_light"] * 2


def test_a_replayed_decision_is_taken_once(session: Session) -> None:
    with session.join("worker", "shots", 10) as worker:
        session.publish(range(2))
        frame = next_of(worker, FrameMessage)
        result, decision = answer(frame)
        for message in (result, decision, decision, result, decision):
            worker.send(message)
        assert session.hub.next_decision(5.0) is not None
        assert session.hub.next_decision(0.2) is None
        assert session.hub.refused == 3


def test_a_result_of_frames_that_were_never_taken_is_refused(session: Session) -> None:
    with session.join("worker", "shots", 10) as worker:
        session.publish(range(1))
        result, decision = answer(next_of(worker, FrameMessage))
        worker.send(msgspec.structs.replace(result, shot=7, seqs=(7,)))
        worker.send(DecisionMessage(msgspec.structs.replace(decision.decision, id=7)))
        assert session.hub.next_decision(0.2) is None
        assert session.hub.refused == 2


# ------------------------------------------------------------------------------ too much

PACKETS = [
    b"", b"\xc1", b"junk" * 10, msgspec.msgpack.encode({"type": "launch"}),
    msgspec.msgpack.encode({"type": "ack", "upto": 0, "credit": -5}),
    msgspec.msgpack.encode({"type": "ack", "upto": 0, "credit": 2**40}),
    msgspec.msgpack.encode({"type": "ack", "upto": 2**63, "credit": 1}),
    msgspec.msgpack.encode({"type": "hello", "name": "n" * 65, "policy": "latest", "credit": 1}),
    encode(Ack(3, 1))[:-1], encode(Notice("info", "hi")).replace(b"hi", b"\x80i"),
]  # fmt: skip


@pytest.mark.parametrize("where", ["stream", "work", "control"])
def test_what_is_no_message_is_refused_and_counted(session: Session, where: str) -> None:
    with closing(Raw(session.address, getattr(session.address, where))) as raw:
        for packet in PACKETS:
            raw.socket.send(packet)
        raw.socket.send_multipart([b"two", b"parts"])
        until_refused(session, len(PACKETS) + 1)


@pytest.mark.parametrize("where", ["stream", "work", "control"])
def test_an_oversize_message_costs_its_sender_the_connection_and_nobody_else_anything(
    session: Session, where: str
) -> None:
    big = bytes(sockets.MAX_MESSAGE_BYTES + 1)
    with session.join("window", "latest", 1) as window:
        with closing(Raw(session.address, getattr(session.address, where))) as raw:
            cut = raw.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            raw.socket.send(big)
            assert cut.poll(ANSWER_MS)
            raw.socket.disable_monitor()
            cut.close()
        session.publish(range(1))
        assert frames_of(window, 1) == [0]
    stop_light_s(session)
    assert session.hub.refused == 0  # nobody had to look at it


@pytest.mark.parametrize("where", ["stream", "work", "control"])
def test_ten_thousand_pieces_of_junk_do_not_keep_stop_light_waiting(
    session: Session, where: str
) -> None:
    with (
        session.join("window", "latest", 1) as window,
        closing(Raw(session.address, getattr(session.address, where))) as raw,
    ):
        slowest_s = 0.0
        for n in range(10_000):
            raw.socket.send(b"junk %d" % n)
            if n % 2500 == 2499:
                slowest_s = max(slowest_s, stop_light_s(session))
        assert slowest_s < 2.0
        session.publish(range(1))
        assert frames_of(window, 1) == [0]
        until_refused(session, 10_000)


def test_half_open_connections_are_cut_off_and_keep_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HANDSHAKE_MS", 1000)
    with closing(Session(tmp_path, use_tcp=True)) as session:
        host, port = session.address.control.removeprefix("tcp://").split(":")
        loris = [socket.create_connection((host, int(port)), 5.0) for _ in range(200)]
        try:
            for each in loris:
                each.sendall(b"\xff\0\0")  # the beginning of ZeroMQ's greeting, and no more
            assert stop_light_s(session) < 2.0
            for each in loris:
                each.settimeout(20.0)
                while _reads(each):
                    pass
        finally:
            for each in loris:
                each.close()


def _reads(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


def test_there_is_no_room_for_a_thousand_listeners(session: Session) -> None:
    raws = [Raw(session.address, session.address.stream) for _ in range(40)]
    try:
        for n, raw in enumerate(raws):
            raw.say(Hello(f"w{n}", "latest", 1, token=session.address.token))
        answers = [raw.hear() for raw in raws]
    finally:
        for raw in raws:
            raw.close()
    refused = [a for a in answers if isinstance(a, Refused)]
    assert len(refused) == 40 - 32
    assert "too many" in refused[0].reason


# ------------------------------------------------------------------------------ where it listens


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.168.1.7:5555", "tcp://[::]:5555",
        "tcp://127.0.0.1.evil.org:5555", "tcp://localhost:5555", "tcp://eth0:5555", "ipc://name",
        "ipc://@abstract", "ws://127.0.0.1:5555", "pgm://239.1.1.1:5555",
        "udp://127.0.0.1:5555", "",
    ],
)  # fmt: skip
def test_any_other_address_is_an_error_at_startup(tmp_path: Path, endpoint: str) -> None:
    ours = local_address(tmp_path, use_tcp=True)
    for name in NAMES:
        with pytest.raises(StreamError, match="stay on this machine"):
            sockets.Sockets(msgspec.structs.replace(ours, **{name: endpoint}))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_a_folder_that_others_may_enter_is_an_error_at_startup(session: Session) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with pytest.raises(StreamError, match="mode 700"):
            sockets.Sockets(Address(*[f"ipc://{folder}/{n}" for n in "abc"], "token"))
        with pytest.raises(StreamError, match="mode 700"):
            write_address(Path(folder), session.address)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_the_file_with_the_token_is_its_users_alone_and_replaces_nothing(
    session: Session, tmp_path: Path
) -> None:
    path = write_address(tmp_path, session.address)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_address(path) == session.address
    with pytest.raises(StreamError, match="cannot write"):
        write_address(tmp_path, session.address)
    path.write_text("{}")
    with pytest.raises(StreamError, match="no session"):
        read_address(path)


# ------------------------------------------------------------------------------ who stands still

VIEWER = """
import sys
from pathlib import Path
from realtime.stream.address import read_address
from realtime.client import StreamClient
from realtime.wire import FrameMessage
with StreamClient(read_address(Path(sys.argv[1])), "viewer", "latest", 1) as client:
    client.start(20.0)
    while True:
        got = client.receive(1000)
        if got is not None and isinstance(got[1], FrameMessage):
            client.ack(got[1].info.seq, 1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_stopped_viewer_costs_the_camera_nothing(session: Session, tmp_path: Path) -> None:
    path = write_address(tmp_path, session.address)
    viewer = subprocess.Popen([sys.executable, "-c", VIEWER, str(path)])
    try:
        assert session.hub.wait_for({"viewer"}, 20.0)
        with session.join("recorder", "lossless", 10_000) as recorder:
            moving_ms = _publish_ms(session, recorder, range(400))
            psutil.Process(viewer.pid).suspend()
            stopped_ms = _publish_ms(session, recorder, range(400, 800))
    finally:
        viewer.kill()
        viewer.wait()
    assert session.hub.gaps == 0
    assert stopped_ms < 2 * moving_ms + SLACK_MS


def _publish_ms(session: Session, recorder: StreamClient, seqs: range) -> float:
    """Return the time that the quickest quarter of frames takes to publish, ms.

    Who waits for a viewer that stands still waits at every frame; a busy machine is slow at some.
    """
    took_ms = []
    for seq in seqs:
        began = time.perf_counter()
        session.publish(range(seq, seq + 1))
        took_ms.append((time.perf_counter() - began) * 1e3)
        assert frames_of(recorder, 1) == [seq]
        recorder.ack(seq, 1)
    return sorted(took_ms)[len(took_ms) // 4]
