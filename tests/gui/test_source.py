"""The window's source on a real hub: it asks, it never waits."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from gui.source import StreamSource
from realtime.hub import Hub
from realtime.ring import Ring
from realtime.stream.address import Address, local_address
from realtime.wire import (
    CameraInfo,
    End,
    FrameMessage,
    FromHub,
    Notice,
    Reply,
    RestoredSlot,
    Start,
)

SHAPE = (16, 24)
APPLIED = Applied("GFP", "488", 488.0, 10.0, 10.0, 0.1, 0.1, 0.5, 0.005, True, -1)


def start(ring: Ring) -> Start:
    camera = CameraInfo("Camera", *SHAPE, 0.1, Calibration(1.0, 100.0, 1.0))
    settings = Settings((ChannelSettings("GFP", 10.0, 0.1),))
    return Start("s", time.perf_counter_ns(), time.time_ns(), (camera,), ring.info, settings)


def publish(hub: Hub, seq: int) -> None:
    info = FrameInfo(
        seq, "Camera", seq, time.perf_counter_ns(), 0.0, Shot(seq, 0, 1), 0, Index(seq), *SHAPE,
        (0.0, 0.0, 0.0), APPLIED,
    )  # fmt: skip
    hub.publish(info, np.full(SHAPE, seq, np.uint16))


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring.create(f"lltest-{uuid.uuid4().hex[:8]}", 4, 2 * SHAPE[0] * SHAPE[1] * 2)
    yield made
    made.close()


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> Address:
    return local_address(tmp_path_factory.mktemp("s"))


@pytest.fixture
def hub(ring: Ring, address: Address) -> Iterator[Hub]:
    def obey(name: str) -> Reply:
        return Reply(name, is_ok=True, text="done", is_dark=name == "stop_light")

    with Hub(address, start(ring), ring, on_command=obey) as made:
        yield made


def wait(source: StreamSource, until: Callable[[list[FromHub]], bool]) -> list[FromHub]:
    """Poll, as the window does, until what is waited for has come."""
    got: list[FromHub] = []
    deadline = time.perf_counter() + 10.0
    while not until(got):
        assert time.perf_counter() < deadline, f"it never came; got {got}"
        got += source.poll()
    return got


def has(kind: type) -> Callable[[list[FromHub]], bool]:
    return lambda got: any(isinstance(message, kind) for message in got)


def test_a_frame_comes_with_its_pixels_and_the_next_only_after_it_was_shown(hub: Hub) -> None:
    with closing(StreamSource(hub.address)) as source:
        wait(source, has(Start))
        publish(hub, 0)
        first = next(m for m in wait(source, has(FrameMessage)) if isinstance(m, FrameMessage))
        pixels = source.raw(first)
        assert pixels is not None
        assert np.all(pixels == 0)
        publish(hub, 1)
        publish(hub, 2)
        hub.send(Notice("info", "a mark"))
        assert not has(FrameMessage)(wait(source, has(Notice)))
        source.shown(first)
        second = next(m for m in wait(source, has(FrameMessage)) if isinstance(m, FrameMessage))
        assert second.info.seq == 2  # the newest, not the next


def test_a_frame_that_was_overwritten_is_none_and_not_garbage(hub: Hub, ring: Ring) -> None:
    with closing(StreamSource(hub.address)) as source:
        wait(source, has(Start))
        publish(hub, 0)
        frame = next(m for m in wait(source, has(FrameMessage)) if isinstance(m, FrameMessage))
        ring.write(4, np.zeros(SHAPE, np.uint16))  # the same slot, one lap later
        assert source.raw(frame) is None


def test_a_restored_image_is_read_from_the_workers_ring(hub: Hub, ring: Ring) -> None:
    image = np.full(SHAPE, 2.5, np.float32)
    slot, generation = ring.write(7, image)
    with closing(StreamSource(hub.address)) as source:
        wait(source, has(Start))
        got = source.restored(RestoredSlot(ring.info, slot, generation, *SHAPE))
        assert got is not None
        assert np.array_equal(got, image)
        assert source.restored(RestoredSlot(ring.info, slot, generation + 1, *SHAPE)) is None


def names(got: list[FromHub]) -> set[str]:
    return {message.name for message in got if isinstance(message, Reply)}


def test_whoever_comes_asks_once_how_the_run_stands(hub: Hub) -> None:
    with closing(StreamSource(hub.address)) as source:
        got = wait(source, lambda got: "state" in names(got))
    assert sum(isinstance(message, Reply) for message in got) == 1


def test_commands_are_answered_by_poll(hub: Hub) -> None:
    with closing(StreamSource(hub.address)) as source:
        source.command("hold")
        source.command("stop_light")
        got = wait(source, lambda got: {"hold", "stop_light"} <= names(got))
    replies = {m.name: m for m in got if isinstance(m, Reply)}
    assert replies["stop_light"].is_dark
    assert not replies["hold"].is_dark


def test_without_a_hub_nothing_waits(address: Address) -> None:
    took_s = []
    for _ in range(5):  # a busy machine makes one slow, a wait makes all of them
        began = time.perf_counter()
        with closing(StreamSource(address)) as source:
            assert source.poll() == []
            source.command("stop_light")
            assert source.poll() == []
            took_s.append(time.perf_counter() - began)
    assert min(took_s) < 0.5


def test_a_window_that_was_first_finds_the_hub_that_comes_later(
    address: Address, ring: Ring
) -> None:
    if not address.stream.startswith("ipc"):
        pytest.skip("a loopback port is only known once the hub listens")
    with closing(StreamSource(address)) as source:
        assert source.poll() == []
        with Hub(address, start(ring), ring) as hub:
            wait(source, has(Start))
            assert hub.refused == 0


def test_who_says_a_wrong_token_hears_nothing_and_raises_nothing(hub: Hub) -> None:
    stranger = Address(hub.address.stream, hub.address.work, hub.address.control, "wrong")
    with closing(StreamSource(stranger)) as turned_away, closing(StreamSource(hub.address)) as ours:
        wait(ours, has(Start))
        assert turned_away.poll() == []


def test_the_end_stops_the_calls_for_darkness(hub: Hub) -> None:
    with closing(StreamSource(hub.address)) as source:
        wait(source, has(Start))
        source._last_stop_ns = 1  # a stop that nobody has answered
        hub.finish(End(0, 1, 0, "complete", "", True))
        wait(source, has(End))
        assert source._last_stop_ns == 0


def test_closing_twice_is_harmless(address: Address, tmp_path: Path) -> None:
    source = StreamSource(address)
    source.close()
    source.close()
    assert source.poll() == []
