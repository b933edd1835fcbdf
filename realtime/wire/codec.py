"""From messages to MessagePack and back."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from realtime.errors import BadMessage
from realtime.wire.clients import Ack, Command, Hello, Refused, Reply
from realtime.wire.frames import AppliedMessage, DecisionMessage, FrameDue, FrameMessage, Gap
from realtime.wire.seen import Result
from realtime.wire.session import ClockPair, End, Notice, Start

Document: TypeAlias = (
    Start
    | FrameMessage
    | Gap
    | Result
    | DecisionMessage
    | AppliedMessage
    | ClockPair
    | Notice
    | End
)
FromHub: TypeAlias = Document | FrameDue | Refused | Reply
FromClient: TypeAlias = Hello | Ack | Result | DecisionMessage | Notice | Command

_ENCODER = msgspec.msgpack.Encoder()
_FROM_HUB: msgspec.msgpack.Decoder[FromHub] = msgspec.msgpack.Decoder(FromHub)
_FROM_CLIENT: msgspec.msgpack.Decoder[FromClient] = msgspec.msgpack.Decoder(FromClient)


def encode(message: FromHub | FromClient) -> bytes:
    """Turn a message into MessagePack."""
    return _ENCODER.encode(message)


def decode_from_hub(packet: bytes) -> FromHub:
    """Turn bytes from the hub (or a run file's journal) back into a message.

    Raises
    ------
    BadMessage
        If the bytes are not one of our messages; the text says which field is wrong.
    """
    try:
        return _FROM_HUB.decode(packet)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # the latter by a damaged text
        raise BadMessage(f"the hub sent no message of ours: {error}") from error


def decode_from_client(packet: bytes) -> FromClient:
    """Turn bytes from a client back into a message.

    Raises
    ------
    BadMessage
        If the bytes are not one of our messages; the text says which field is wrong.
    """
    try:
        return _FROM_CLIENT.decode(packet)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # the latter by a damaged text
        raise BadMessage(f"a client sent no message of ours: {error}") from error
