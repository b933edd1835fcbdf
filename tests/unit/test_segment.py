"""Outlines by a network: from its three maps to nuclei, and the shipped one on painted nuclei."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from skimage.measure import label
from skimage.segmentation import watershed

from models.errors import ModelError
from models.package import Package, shipped
from models.segment import Segmenter, labels_of
from realtime.detect import Detector
from realtime.detecting.config import DetectorConfig
from realtime.detecting.masks import MaskDetector
from tests.unit.test_detect import READ_NOISE_E, by_place, camera, painted

NAME = "segment-nuclei"


def maps_of_discs(places: list[tuple[int, int]], radius: float = 8.0) -> np.ndarray:
    """Return what a perfect network would say of discs, (3, 64, 96)."""
    yy, xx = np.mgrid[:64, :96]
    away = np.min([np.hypot(yy - y, xx - x) for y, x in places], axis=0)
    depth = np.clip(1 - away / radius, 0, 1)
    return np.stack([8 * (radius - away), depth, 8 * (radius / 2 - away)]).astype(np.float32)


def test_touching_nuclei_with_cores_of_their_own_are_two_and_as_a_watershed_parts_them() -> None:
    maps = maps_of_discs([(30, 30), (30, 44)])
    labels, most = labels_of(maps)
    seeds = label(maps[2] > 0, connectivity=1)
    true = watershed(-maps[1], seeds, mask=maps[0] > 0)
    assert most == true.max() == 2
    for name in (1, 2):
        mine = labels == labels[30, 30 if name == 1 else 44]
        theirs = true == true[30, 30 if name == 1 else 44]
        assert (mine & theirs).sum() > 0.97 * (mine | theirs).sum()


def test_nothing_is_nothing() -> None:
    labels, most = labels_of(np.full((3, 32, 40), -5.0, np.float32))
    assert most == 0
    assert not labels.any()


def test_land_between_keeps_a_nucleus_from_its_neighbour() -> None:
    maps = maps_of_discs([(30, 20), (30, 70)])
    maps[2, :, 50:] = -9.0  # the second has no core: it is left out, not given to the first
    labels, _ = labels_of(maps)
    assert not labels[:, 50:].any()
    assert labels[30, 20] > 0


def test_the_shipped_network_outlines_painted_nuclei_at_any_light() -> None:
    places = [(30.0, 40.0), (30.0, 150.0), (110.0, 60.0), (110.0, 150.0)]
    outline = Segmenter(Package.load(shipped(NAME)), (160, 200), READ_NOISE_E, "openvino", "f32")
    for signal_e in (10.0, 40.0, 300.0):
        labels, _ = outline(camera(painted(places, signal_e, radius_px=8.0)))
        names = {int(labels[int(y), int(x)]) for y, x in places}
        assert len(names - {0}) == 4, signal_e
        areas = np.bincount(labels.ravel())[sorted(names)]
        assert areas == pytest.approx(np.pi * 64, rel=0.35)
    outline.close()


def test_a_package_of_another_task_is_refused() -> None:
    with pytest.raises(ModelError, match="no segmenter"):
        Segmenter(Package.load(shipped("denoise-2d")), (64, 64), 1.0)
    package = Package.load(shipped(NAME))
    wrong = msgspec.structs.replace(package.manifest, outputs=2)
    with pytest.raises(ModelError, match="no segmenter"):
        Segmenter(dataclasses.replace(package, manifest=wrong), (64, 64), 1.0)


def test_the_mask_detector_places_nuclei_as_thresholds_do() -> None:
    places = [(35.0, 45.0), (45.0, 150.0), (120.0, 60.0), (110.0, 150.0)]
    image = camera(painted(places, 40.0))
    package, config = Package.load(shipped(NAME)), DetectorConfig(network=NAME)

    def open_it(shape: tuple[int, int]) -> Segmenter:
        return Segmenter(package, shape, READ_NOISE_E, "openvino", "f32")

    plain = Detector(config, READ_NOISE_E)
    find = MaskDetector(config, READ_NOISE_E, 14.0, open_it, plain)
    found = find(image)
    find.close()
    np.testing.assert_allclose(by_place(found), np.array(places)[[0, 1, 3, 2]], atol=1.0)
    assert find.why == ""


def test_empty_frames_have_no_outlines() -> None:
    package = Package.load(shipped(NAME))
    config = DetectorConfig(network=NAME)
    find = MaskDetector(
        config,
        READ_NOISE_E,
        14.0,
        lambda shape: Segmenter(package, shape, READ_NOISE_E, "openvino", "f32"),
        Detector(config, READ_NOISE_E),
    )
    flat = np.full((128, 128), 6.0, np.float32)
    assert sum(len(find(camera(flat, seed))) for seed in range(5)) <= 1
    find.close()


def test_where_the_network_fails_thresholds_go_on_and_it_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(shape: tuple[int, int]) -> Segmenter:
        raise ModelError("no engine here")

    config = DetectorConfig(network=NAME)
    plain = Detector(config, READ_NOISE_E)
    find = MaskDetector(config, READ_NOISE_E, 14.0, fails, plain)
    image = camera(painted([(80.0, 60.0), (80.0, 140.0)]))
    np.testing.assert_array_equal(find(image).y_px, plain(image).y_px)
    assert "no engine here" in find.why
    assert "thresholds" in caplog.text
    find(image)
    assert caplog.text.count("no engine here") == 1  # said once
