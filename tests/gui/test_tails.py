"""The tails of the cells."""

from __future__ import annotations

import msgspec
import numpy as np

from gui.model import RunView
from gui.tails import LENGTH, Tails
from realtime.wire import Notice, Result, TrackEvent, Tracks
from realtime.wire.seen import Recalled
from tests.gui.fake_source import FakeSource

SOURCE = FakeSource(side_px=32, n_cells=3)
SOURCE.advance(1)
RESULT = next(m for m in SOURCE.poll() if isinstance(m, Result))


def result(shot: int, ids: tuple[int, ...], x: tuple[float, ...], born: int = -1) -> Result:
    n = len(ids)
    tracks = Tracks(
        ids, (-1,) * n, tuple(2 * v for v in x), x, (0.0,) * n, (0.0,) * n, (1,) * n, (0,) * n,
        (1.0,) * n, (50.0,) * n,
    )  # fmt: skip
    events = (TrackEvent("division", born, 1),) if born >= 0 else ()
    return msgspec.structs.replace(RESULT, shot=shot, tracks=tracks, events=events)


def test_a_tail_follows_its_cell_whatever_the_order_of_the_columns() -> None:
    tails = Tails()
    tails.add(result(0, (5, 2), (50.0, 20.0)))
    tails.add(result(1, (2, 5), (21.0, 51.0)))
    drawing = tails.drawing()
    assert drawing.ids.tolist() == [2, 5]
    assert drawing.tails[:, :, 0].tolist() == [[20.0, 50.0], [21.0, 51.0]]
    assert drawing.tails[-1].tolist() == drawing.xy.tolist()


def test_a_cell_that_was_not_there_yet_has_no_tail_from_elsewhere() -> None:
    tails = Tails()
    tails.add(result(0, (1,), (10.0,)))
    tails.add(result(1, (1, 2), (11.0, 90.0)))
    assert tails.drawing().tails[:, 1, 0].tolist() == [90.0, 90.0]


def test_tails_are_bounded_and_end_with_their_cell() -> None:
    tails = Tails()
    for shot in range(3 * LENGTH):
        tails.add(result(shot, (1, 2), (1.0, 2.0)))
    tails.add(result(3 * LENGTH, (2,), (2.0,)))
    drawing = tails.drawing()
    assert drawing.tails.shape == (LENGTH, 1, 2)


def test_no_cells_make_an_empty_drawing() -> None:
    tails = Tails()
    assert len(tails.drawing().ids) == 0
    tails.add(result(0, (), ()))
    assert tails.drawing().tails.shape[1] == 0
    tails.add(result(1, (4,), (1.0,)))
    assert np.isfinite(tails.drawing().tails).all()


def test_a_division_is_marked_for_a_while() -> None:
    tails = Tails()
    tails.add(result(0, (1, 2), (1.0, 2.0), born=2))
    assert tails.drawing().has_divided.tolist() == [False, True]
    tails.add(result(100, (1, 2), (1.0, 2.0)))
    assert not tails.drawing().has_divided.any()


def test_a_shot_of_before_is_drawn_as_it_was_then() -> None:
    tails = Tails()
    then = []
    for shot in range(20):
        tails.add(result(shot, (1, 2), (float(shot), 2.0), born=2 if shot == 15 else -1))
        then.append(tails.drawing())
    for shot in (3, 14, 15, 19):
        again = tails.drawing(shot)
        for old, new in zip(then[shot], again, strict=True):
            assert np.array_equal(old, new)
    assert len(tails.drawing(-1).ids) == 0


def test_a_worker_that_started_again_draws_the_same_cells_on_and_the_window_says_so() -> None:
    view, tails = RunView(), Tails()
    recalled = Recalled(shot=1, first_name=1000)
    shots = [result(n, (5, 2), (50.0 + n, 20.0 + n)) for n in range(4)]
    shots[2] = msgspec.structs.replace(shots[2], is_fresh=True, recalled=recalled)
    for shot in shots:
        tails.add(shot)
        view.take(Notice("info", "a row"), 0)
        view.take(shot, 0)
    assert tails.drawing().ids.tolist() == [2, 5]
    assert tails.drawing().tails[:, 1, 0].tolist() == [50.0, 51.0, 52.0, 53.0]
    assert any("it knows its cells" in row.why for row in view.rows)
