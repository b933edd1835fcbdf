"""Textures are looked at now and then, field by field, and what was seen counts until then."""

from __future__ import annotations

import numpy as np
import pytest

from models.type_shift import COUNT, WINDOW_PX, TypeReference, features
from realtime.judging import texture_watch
from realtime.judging.texture_watch import TextureWatch, window

FEW = np.random.default_rng(1).gamma(2.0, 10.0, (64, 64)).astype(np.float32)
STRICT = TypeReference(np.zeros(COUNT), np.eye(COUNT), 0.0)
KIND = TypeReference(np.zeros(COUNT), np.eye(COUNT), 1e9)


EVEN = np.full((64, 64), 5.0, np.float32)


def told(watch: TextureWatch, frames: list[np.ndarray], key: tuple[int, int] = (0, 0)) -> list[int]:
    return [len(watch.see(key, frame)) for frame in frames]


def test_what_is_strange_twice_is_told_and_stays_so_until_a_look_finds_nothing() -> None:
    watch = TextureWatch(STRICT, 1.0)
    assert told(watch, [FEW, FEW, EVEN, EVEN]) == [0, 1, 1, 0]
    assert watch.see((0, 0), FEW) == []


def test_what_lasts_is_told_without_a_gap() -> None:
    assert told(TextureWatch(STRICT, 1.0), [FEW] * 10) == [0] + [1] * 9


def test_what_is_strange_once_is_not_told() -> None:
    assert told(TextureWatch(STRICT, 1.0), [FEW, *[EVEN] * 5]) == [0] * 6


def test_both_looks_are_at_the_same_square() -> None:
    watch = TextureWatch(STRICT, 1.0)
    corner = np.full((512, 512), 5.0, np.float32)
    corner[256:, 256:] = np.tile(FEW, (4, 4))  # the last of four squares
    assert told(watch, [corner] * 12) == [0] * 10 + [1, 1]


def test_fields_and_planes_are_looked_at_apart() -> None:
    watch = TextureWatch(STRICT, 1.0)
    told(watch, [EVEN, EVEN])
    assert told(watch, [FEW, FEW], (1, 0)) == [0, 1]
    assert told(watch, [FEW, FEW], (0, 1)) == [0, 1]
    assert told(watch, [FEW]) == [0]


def test_near_scenes_are_no_reason() -> None:
    assert told(TextureWatch(KIND, 1.0), [FEW, FEW]) == [0, 0]


@pytest.mark.parametrize(("beyond", "count"), [(1.2, 0), (1.3, 1)])
def test_the_edge_of_what_was_learnt_is_no_reason(beyond, count) -> None:
    away = float(np.linalg.norm(features(FEW, 1.0)))
    kind = TypeReference(np.zeros(COUNT), np.eye(COUNT), away / beyond)
    assert told(TextureWatch(kind, 1.0), [FEW, FEW]) == [0, count]


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
    watch.see((0, 0), EVEN)
    for field in range(1, 5):
        watch.see((field, 0), EVEN)
    assert told(watch, [FEW, FEW]) == [0, 1]  # forgotten, and looked at anew
