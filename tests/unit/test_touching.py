"""Nuclei that touch: who they are, and when an outline of one is right."""

from __future__ import annotations

import numpy as np

from lightloop.bench.touching import _touch, photographed, right


def truth() -> np.ndarray:
    """Two squares side by side, and one alone."""
    labels = np.zeros((40, 60), np.int32)
    labels[5:15, 5:15] = 1
    labels[5:15, 15:25] = 2
    labels[25:35, 40:50] = 3
    return labels


def test_only_neighbours_touch() -> None:
    assert _touch(truth()).tolist() == [1, 2]


def test_two_outlines_of_touching_nuclei_are_right_and_the_lonely_one_does_not_count() -> None:
    assert right(truth().astype(np.uint16), truth()).tolist() == [2, 2, 2]


def test_two_that_are_outlined_as_one_are_both_missed() -> None:
    told = np.where(truth() == 2, 1, truth()).astype(np.uint16)
    assert right(told, truth()).tolist() == [0, 2, 1]


def test_half_a_nucleus_is_not_right() -> None:
    told = truth().astype(np.uint16)
    told[5:10, 5:15] = 9
    assert right(told, truth()).tolist() == [1, 2, 3]


def test_the_peak_of_a_photograph_is_as_asked() -> None:
    image = np.full((200, 200), 7.0, np.float32)
    adu = photographed(image, 20.0, 1)
    assert abs(adu.mean() - 120.0) < 0.1
    assert abs(adu.var() - (20.0 + 1.6**2 + 1 / 12)) < 1.0
