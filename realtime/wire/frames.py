"""Frames, what was lost of them, and the light that they were taken with."""

from __future__ import annotations

import msgspec

from acquire.frame import FrameInfo
from acquire.settings import Applied
from realtime.policy.decision import Decision


class FrameMessage(msgspec.Struct, frozen=True, tag="frame", gc=False):
    """A frame is in the ring: its truth, its slot, and the check of its bytes (xxh3-64)."""

    info: FrameInfo
    slot: int
    generation: int
    nbytes: int
    xxh3: int


class Gap(msgspec.Struct, frozen=True, tag="gap"):
    """Frames that were lost; the gap occupies their sequence numbers (both ends included)."""

    seq_from: int
    seq_to: int
    reason: str


class FrameDue(msgspec.Struct, frozen=True, tag="due"):
    """A frame will come any moment: nothing to do but to be awake. It is in no journal."""


class DecisionMessage(msgspec.Struct, frozen=True, tag="decision"):
    """A policy's proposal. It holds no time, so a replay can give it again, byte for byte."""

    decision: Decision


class AppliedMessage(msgspec.Struct, frozen=True, tag="applied"):
    """What the guard made of a decision, for one shot, read back from the devices.

    Attributes
    ----------
    first_seq
        First frame that was taken with it.
    latency_ns
        From the last frame of the shot before in the host's hands to the last device set.
    refused
        Why no light was given; empty if it was.
    stale
        Mode "stream", where each change is told: frames since it was set that do not show it.
    """

    shot: int
    decision_id: int
    first_seq: int
    applied: tuple[Applied, ...]
    latency_ns: int = 0
    refused: str = ""
    stale: int = 0
