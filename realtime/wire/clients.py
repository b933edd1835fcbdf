"""What clients say, and what they are answered."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from realtime.wire.session import PROTOCOL

# What a client may say is bounded, so that nobody's arithmetic goes wrong on it.
Seq: TypeAlias = Annotated[int, Meta(ge=-1, le=2**62)]  # int64 has room for its successor
Credit: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Word: TypeAlias = Annotated[str, Meta(max_length=64)]
TimeNs: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A client introduces itself.

    Attributes
    ----------
    policy
        "lossless" (every frame and document; a slot stays until it is acknowledged),
        "shots" (frames of complete shots, and it may answer with results and decisions),
        "latest" (the newest frame whenever it asks, and every document).
    resume_from
        Lossless: the last sequence number that is safely on disk; -1 for none.
    token
        Secret of the session; required where the address is loopback TCP.
    """

    name: Word
    policy: Word
    credit: Credit
    resume_from: Seq = -1
    token: Word = ""
    protocol: tuple[int, int] = PROTOCOL


class Ack(msgspec.Struct, frozen=True, tag="ack", gc=False):
    """Everything up to `upto` is done with; `credit` more frames may come."""

    upto: Seq
    credit: Credit


class Command(msgspec.Struct, frozen=True, tag="command"):
    """A person's wish, on the control socket (`lightloop.orders`).

    "stop_light", "stop", "abort"; "pause" and "resume" of the run; "hold" and "release" of the
    feedback.

    Attributes
    ----------
    id
        Any word that no other command of the session has; a command is obeyed once.
    expires_t_ns
        Host clock after which it is not obeyed any more; at most 10 s ahead.
    """

    name: Word
    token: Word = ""
    id: Word = ""
    expires_t_ns: TimeNs = 0


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What came of a command; for "stop_light", `is_dark` is read back from every source.

    `id` is the command's.
    """

    name: str
    is_ok: bool
    text: str = ""
    is_dark: bool = False
    id: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The hub does not serve this client, and says why."""

    reason: str
