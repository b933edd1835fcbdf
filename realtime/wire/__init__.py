"""What travels between the processes: frozen structs, MessagePack on the wire.

A new field has a default, and a listener ignores one that it does not know: so old and new read
each other. A field that changes its meaning is a new `PROTOCOL` major, which the hub refuses.
Pixels never travel in a struct: they lie in the ring, and a `FrameMessage` says where.
"""

from realtime.wire.clients import Ack, Command, Hello, Refused, Reply
from realtime.wire.codec import (
    Document,
    FromClient,
    FromHub,
    decode_from_client,
    decode_from_hub,
    encode,
)
from realtime.wire.frames import AppliedMessage, DecisionMessage, FrameDue, FrameMessage, Gap
from realtime.wire.seen import (
    CellDoses,
    Picture,
    RestoredSlot,
    Result,
    StepTimes,
    TrackEvent,
    Tracks,
)
from realtime.wire.session import PROTOCOL, CameraInfo, ClockPair, End, Notice, RingInfo, Start

__all__ = [
    "PROTOCOL",
    "Ack",
    "AppliedMessage",
    "CameraInfo",
    "CellDoses",
    "ClockPair",
    "Command",
    "DecisionMessage",
    "Document",
    "End",
    "FrameDue",
    "FrameMessage",
    "FromClient",
    "FromHub",
    "Gap",
    "Hello",
    "Notice",
    "Picture",
    "Refused",
    "Reply",
    "RestoredSlot",
    "Result",
    "RingInfo",
    "Start",
    "StepTimes",
    "TrackEvent",
    "Tracks",
    "decode_from_client",
    "decode_from_hub",
    "encode",
]
