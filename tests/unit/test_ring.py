from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import FrameLapped, StreamError
from realtime.ring import Ring, remove
from realtime.wire import RingInfo


@pytest.fixture
def ring() -> Iterator[Ring]:
    with Ring.create(f"ll_{uuid.uuid4().hex[:10]}", 4, 2 * 30 * 40) as made:
        yield made


def image(seed: int, shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65535, shape, np.uint16)


def test_what_is_written_is_read_by_another_map_of_the_same_memory(ring: Ring) -> None:
    slot, generation = ring.write(5, image(5))
    with Ring.attach(ring.info, shares_tracker=True) as reader:
        assert np.array_equal(reader.view(slot, (30, 40), np.uint16), image(5))
        reader.check(slot, generation)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True).map(sorted))
def test_only_the_newest_of_each_slot_passes_the_check(seqs: list[int]) -> None:
    with Ring.create(f"ll_{uuid.uuid4().hex[:10]}", 4, 64) as ring:
        places = {seq: ring.write(seq, np.full((2, 2), seq, np.uint16)) for seq in seqs}
        newest = {seq % 4: seq for seq in seqs}
        for seq, (slot, generation) in places.items():
            if newest[seq % 4] == seq:
                ring.check(slot, generation)
                assert (ring.view(slot, (2, 2), np.uint16) == seq).all()
            else:
                with pytest.raises(FrameLapped):
                    ring.check(slot, generation)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 9), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_images_of_any_size_and_kind_take_turns_in_a_slot(
    turns: list[tuple[int, int, int, bool]],
) -> None:
    rng = np.random.default_rng(0)
    with Ring.create(f"ll_{uuid.uuid4().hex[:10]}", 4, 4 * 81) as ring:
        for seq, (ahead, height, width, is_real) in enumerate(turns):
            dtype = np.dtype(np.float32 if is_real else np.uint16)
            written = rng.integers(0, 65535, (height, width)).astype(dtype)
            slot, _ = ring.write(4 * seq + ahead, written)
            shown = ring.view(slot, (height, width), dtype)
            assert shown.dtype == dtype
            assert np.array_equal(shown, written)
            assert np.array_equal(ring.view(slot, (width, height), dtype).ravel(), written.ravel())


def test_a_view_cannot_be_written(ring: Ring) -> None:
    slot, _ = ring.write(0, image(0))
    with pytest.raises(ValueError, match="read-only"):
        ring.view(slot, (30, 40), np.uint16)[0, 0] = 1


def test_a_frame_that_is_too_large_is_refused(ring: Ring) -> None:
    with pytest.raises(StreamError, match="does not fit a slot"):
        ring.write(0, image(0, (300, 400)))


def test_a_ring_that_is_gone_is_said_so() -> None:
    with pytest.raises(StreamError, match="has the run ended"):
        Ring.attach(RingInfo("ll_nobody", 4, 64), shares_tracker=True)


def test_a_taken_name_is_said_so(ring: Ring) -> None:
    with pytest.raises(StreamError, match=ring.info.name):
        Ring.create(ring.info.name, 4, 64)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system says so by itself")
def test_memory_that_is_not_there_is_missed_when_the_ring_is_made() -> None:
    name = f"ll_{uuid.uuid4().hex[:10]}"
    with pytest.raises(StreamError, match="a smaller ring_frames needs less"):
        Ring.create(name, 4096, 1 << 30)  # 4 TB: the system promises them, and has them not
    assert not remove(name)


@pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux does")
def test_a_new_ring_lies_in_memory_before_its_first_frame() -> None:
    with Ring.create(f"ll_{uuid.uuid4().hex[:10]}", 8, 1 << 20) as ring:
        blocks = Path("/dev/shm", ring.info.name).stat().st_blocks
        assert blocks * 512 >= 8 << 20


def test_a_ring_that_a_dead_owner_left_is_removed_once() -> None:
    name = f"ll_{uuid.uuid4().hex[:10]}"
    left = Ring.create(name, 4, 64)
    left._owns = False
    left.close()
    if sys.platform == "win32":
        return  # there the system frees it with its last user
    assert remove(name)
    assert not remove(name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows frees memory with its last user")
def test_a_stranger_that_looks_and_leaves_takes_nothing_with_it(ring: Ring) -> None:
    slot, generation = ring.write(0, image(0))
    script = (
        "from realtime.ring import Ring; from realtime.wire import RingInfo\n"
        f"Ring.attach(RingInfo({ring.info.name!r}, 4, {ring.info.slot_bytes}), "
        "shares_tracker=False).close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Ring.attach(ring.info, shares_tracker=True) as again:
        again.check(slot, generation)
