"""What docs/protocol.md tells other programs is what they will meet."""

from __future__ import annotations

import re
import struct
import uuid
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from realtime import wire
from realtime.policy import Decision
from realtime.ring import Ring
from realtime.stream.audience import SILENT_S
from realtime.stream.commands import MOST_VALID_S
from realtime.stream.seats import MOST_SEATS, POLICIES
from realtime.stream.sockets import HANDSHAKE_MS, MAX_MESSAGE_BYTES
from realtime.stream.usher import PATIENCE_S

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
MESSAGES = sorted(
    {kind.__struct_config__.tag for kind in (*get_args(wire.FromHub), *get_args(wire.FromClient))}
)


@pytest.mark.parametrize("word", [*MESSAGES, *POLICIES])
def test_every_message_and_every_kind_of_seat_is_told(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_a_program_that_knows_only_the_page_finds_a_frame_in_the_ring() -> None:
    pixels = np.arange(5 * 7, dtype=np.uint16).reshape(5, 7)
    with Ring.create(f"ll_{uuid.uuid4().hex[:12]}_f", 3, pixels.nbytes) as ring:
        for seq in range(5):
            ring.write(seq, pixels + seq)
        foreign = SharedMemory(name=ring.info.name)
        try:
            for seq in (2, 3, 4):
                at = (seq % ring.info.slots) * (64 + ring.info.slot_bytes)
                generation = seq // ring.info.slots + 1
                assert struct.unpack_from("=3Q", foreign.buf, at) == (generation, generation, seq)
                lying = struct.unpack_from("=35H", foreign.buf, at + 64)
                assert lying == tuple((pixels + seq).ravel())
        finally:
            foreign.close()
        assert ring.info.slot_bytes % 64 == 0


def test_the_layout_on_the_page_has_no_hole() -> None:
    rows = [(int(a), int(b)) for a, b in re.findall(r"^\| (\d+) to (\d+) \|", PAGE, re.MULTILINE)]
    assert [first for first, _ in rows] == [0, *(last + 1 for _, last in rows[:-1])]
    assert rows[-1][1] == 63


def fields() -> list[str]:
    kinds = [*get_args(wire.FromHub), *get_args(wire.FromClient)]
    kinds += [FrameInfo, Shot, Index, Applied, Settings, ChannelSettings, Decision]
    kinds += [wire.CameraInfo, wire.RingInfo, wire.RestoredSlot]
    return sorted({name for kind in kinds for name in kind.__struct_fields__})


@pytest.mark.parametrize("field", fields())
def test_every_field_is_told(field: str) -> None:
    assert f"`{field}`" in PAGE


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    assert f"more than {MAX_MESSAGE_BYTES >> 20} MiB" in PAGE
    assert f"within {HANDSHAKE_MS // 1000} s is cut off" in PAGE
    assert f"no seat left ({MOST_SEATS})" in PAGE
    assert f"{MOST_VALID_S:.0f} s ahead at most" in PAGE
    assert f"after {PATIENCE_S:.0f} s of silence" in PAGE
    assert f"said nothing for {SILENT_S:.0f} s" in PAGE
    assert "Version {}.{}".format(*wire.PROTOCOL) in PAGE
