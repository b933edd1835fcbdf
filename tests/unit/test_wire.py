from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.settings import ChannelSettings, Settings
from realtime.errors import BadMessage
from realtime.policy import Decision, Observation, Trust
from realtime.wire import (
    Ack,
    Command,
    DecisionMessage,
    Hello,
    Result,
    RingInfo,
    Start,
    Tracks,
    decode_from_client,
    decode_from_hub,
    encode,
)

SEEN = Observation(3, 0, 1.5, (7,), (), 2, 1, 4.5, 8.0, 1.0, 0.0, 0, 1.2, Trust())
DECISION = Decision(
    3, Settings((ChannelSettings("GFP", 8.0, 0.1),)), (7,), {"snr": 4.5}, "why", "snr", True
)


@pytest.mark.parametrize(
    "message",
    [
        Hello("recorder", "lossless", 32, resume_from=4),
        Ack(7, 1),
        Result(3, 0, (7,), SEEN, Tracks(ids=(1, 2), y_px=(0.5, 1.5))),
        DecisionMessage(DECISION),
        Command("stop_light"),
    ],
)
def test_a_clients_message_comes_back_as_it_was(message: Hello) -> None:
    assert decode_from_client(encode(message)) == message


def test_a_session_start_comes_back_as_it_was() -> None:
    start = Start("id", 1, 2, (), RingInfo("r", 4, 64), DECISION.settings, config_toml="a = 1")
    assert decode_from_hub(encode(start)) == start


@given(st.binary(max_size=300))
def test_junk_is_a_typed_error_and_nothing_else(packet: bytes) -> None:
    for decode in (decode_from_client, decode_from_hub):
        try:
            decode(packet)
        except BadMessage:
            continue


@given(st.data())
def test_a_damaged_message_is_refused_or_still_well_typed(data: st.DataObject) -> None:
    packet = bytearray(encode(Result(3, 0, (7,), SEEN, Tracks(ids=(1, 2), y_px=(0.5, 1.5)))))
    packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = decode_from_client(bytes(packet))
    except BadMessage:
        return
    assert decode_from_client(encode(message)).__class__ is message.__class__


def test_the_complaint_names_the_field() -> None:
    packet = msgspec.msgpack.encode({"type": "ack", "upto": "seven", "credit": 1})
    with pytest.raises(BadMessage, match=r"upto"):
        decode_from_client(packet)


def test_a_field_from_the_future_is_ignored() -> None:
    packet = msgspec.msgpack.encode({"type": "ack", "upto": 7, "credit": 1, "mood": "good"})
    assert decode_from_client(packet) == Ack(7, 1)


def test_a_decision_holds_no_time() -> None:
    assert not [name for name in Decision.__struct_fields__ if name.startswith("t_")]


def test_bytes_that_are_no_text_are_refused() -> None:
    packet = encode(Command("stop_light")).replace(b"stop_light", b"\x80top_light")
    for decode in (decode_from_client, decode_from_hub):
        with pytest.raises(BadMessage):
            decode(packet)
