"""Textures are looked at now and then, field by field, and what was seen counts until then."""

from __future__ import annotations

import numpy as np
import pytest

from models.type_shift import COUNT, WINDOW_PX, TypeReference
from realtime import texture_watch
from realtime.texture_watch import EVERY, TextureWatch, window

FEW = np.random.default_rng(1).gamma(2.0, 10.0, (64, 64)).astype(np.float32)
STRICT = TypeReference(np.zeros(COUNT), np.eye(COUNT), 0.0)
KIND = TypeReference(np.zeros(COUNT), np.eye(COUNT), 1e9)


def test_what_is_strange_stays_so_until_the_next_look() -> None:
    watch = TextureWatch(STRICT, 1.0)
    even = np.full((64, 64), 5.0, np.float32)
    told = [watch.see((0, 0), FEW if number == 0 else even) for number in range(EVERY + 1)]
    assert [len(reasons) for reasons in told] == [1] * EVERY + [0]
    assert told[0][0].code == "unseen-structure"


def test_fields_and_planes_are_looked_at_apart() -> None:
    watch = TextureWatch(STRICT, 1.0)
    even = np.full((64, 64), 5.0, np.float32)
    watch.see((0, 0), even)
    assert watch.see((1, 0), FEW)
    assert watch.see((0, 1), FEW)
    assert not watch.see((0, 0), FEW)


def test_near_scenes_are_no_reason() -> None:
    assert not TextureWatch(KIND, 1.0).see((0, 0), FEW)


def test_only_every_third_frame_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(texture_watch, "features", lambda *_: asked.append(1))
    watch = TextureWatch(KIND, 1.0)
    for _ in range(10):
        watch.see((0, 0), FEW)
    assert len(asked) == 4


@pytest.mark.parametrize("shape", [(512, 512), (300, 520), (256, 256), (100, 90)])
def test_the_squares_of_a_frame_take_their_turn_and_lie_in_it(shape: tuple[int, int]) -> None:
    marks = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    squares = [window(marks, look) for look in range(4)]
    size = (min(shape[0], WINDOW_PX), min(shape[1], WINDOW_PX))
    assert {square.shape for square in squares} == {size}
    turns = max(shape[0] // WINDOW_PX, 1) * max(shape[1] // WINDOW_PX, 1)
    assert len({float(square[0, 0]) for square in squares}) == min(turns, 4)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_watch, "_MOST_FIELDS", 3)
    watch = TextureWatch(STRICT, 1.0)
    even = np.full((64, 64), 5.0, np.float32)
    watch.see((0, 0), even)
    for field in range(1, 5):
        watch.see((field, 0), even)
    assert watch.see((0, 0), FEW)  # forgotten, and looked at anew
