"""Masks of tracks are the real outlines, and everybody has a pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from lightloop.tracking.eye import numbered, of_shape
from realtime.detect import Detector
from realtime.detecting.config import DetectorConfig
from realtime.export.outlines import OutlineLog, Outlines, painted
from realtime.export.tracks_formats import Format, write_forest
from tests.unit.track_samples import SHAPE, forest


def squares() -> Outlines:
    """Cell 0: a square about (10, 10). Cell 1: a bar that ends beside it."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[6:15, 6:15] = 1
    labels[6:15, 15:40] = 2
    return Outlines(labels, np.array([[10.0, 10.0], [10.0, 27.0]]))


def test_a_cell_has_its_own_outline_and_not_a_disc() -> None:
    image = painted(squares(), [10.2, 10.0], [10.0, 26.8], [5.0, 8.5], [1, 1], [7, 9])
    np.testing.assert_array_equal(image == 7, squares().labels == 1)
    np.testing.assert_array_equal(image == 9, squares().labels == 2)


def test_who_was_missed_is_a_disc_where_nobody_is() -> None:
    image = painted(
        squares(), [10.0, 10.0, 40.0], [10.0, 27.0, 60.0], [5, 8, 6], [1, 1, 0], [1, 2, 3]
    )
    assert (image == 3).sum() == pytest.approx(np.pi * 36, rel=0.1)
    hidden = painted(
        squares(), [10.0, 10.0, 10.0], [10.0, 27.0, 10.5], [5, 8, 3], [1, 1, 0], [1, 2, 3]
    )
    assert (hidden == 1).sum() == 81
    assert (hidden == 3).sum() == 1, "wholly hidden, it keeps one pixel"


def test_one_outline_is_never_two_cells() -> None:
    image = painted(squares(), [10.0, 10.6], [10.0, 10.0], [5.0, 5.0], [1, 1], [4, 5])
    assert (image == 4).sum() == 81
    assert (image == 5).sum() >= 1


def test_the_log_gives_back_what_it_was_given_and_leaves_nothing(tmp_path: Path) -> None:
    given = squares()
    with OutlineLog(tmp_path / "o") as log:
        log.add(3, Outlines(np.zeros(SHAPE, np.uint16), np.empty((0, 2))))
        log.add(5, given)
        kept = log.at(5)
        assert kept is not None
        np.testing.assert_array_equal(kept.labels, given.labels)
        assert log.at(4) is None
        log.empty()
        assert log.at(5) is None
    assert not list(tmp_path.iterdir())


def test_the_challenge_gets_outlines_where_there_are_some(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint16)
    labels[15:26, 10:31] = 1
    known = Outlines(labels, np.array([[20.0, 20.0]]))
    write_forest(tmp_path / "c", Format.CTC, forest(), outlines=lambda t: known if t == 0 else None)
    first = tifffile.imread(tmp_path / "c" / "01_RES" / "mask000.tif")
    np.testing.assert_array_equal(first == 1, labels == 1)
    assert (first == 2).sum() == pytest.approx(78.5, rel=0.15), "a disc: it has no outline"


@pytest.mark.parametrize("diameter_px", [9.0, 24.0])
def test_each_label_of_a_detector_finds_its_detection(diameter_px: float) -> None:
    rng = np.random.default_rng(2)
    image = np.full((200, 200), 3.0)
    y, x = np.mgrid[:200, :200]
    for at_y, at_x in [(40, 40), (45, 120), (120, 60), (150, 150)]:
        image[np.hypot(y - at_y, (x - at_x) / 1.3) < diameter_px / 2] = 80.0
    find = Detector(DetectorConfig(diameter_px=diameter_px), 1.6)
    photons = rng.poisson(image).astype(np.float32)
    found = find(photons)
    assert len(found) == 4
    labels = of_shape(find.masks(photons), photons.shape, 1)
    mine = numbered(labels, np.column_stack((found.y_px, found.x_px)), found.area_px)
    for n in range(4):
        assert (mine == n + 1).sum() == found.area_px[n]
        middle = np.argwhere(mine == n + 1).mean(axis=0)
        assert middle == pytest.approx([found.y_px[n], found.x_px[n]], abs=1.5)


def test_labels_of_a_shrunk_image_grow_to_their_blocks() -> None:
    small = np.array([[1, 0], [0, 2]], np.int32)
    whole = of_shape(small, (7, 6), 3)
    assert whole.shape == (7, 6)
    assert (whole[:3, :3] == 1).all()
    assert (whole[3:6, 3:] == 2).all()
    assert not whole[6].any()
