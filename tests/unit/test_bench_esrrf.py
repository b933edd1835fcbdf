"""The bench of eSRRF: a dip is a dip, nearer emitters are harder, and it notices sabotage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lightloop.bench import models_esrrf as esrrf
from lightloop.bench import models_pictures as pictures


def test_a_dip_is_that_of_rayleigh_at_his_distance_and_none_nearer() -> None:
    from scipy.special import j1

    x = np.arange(64) - 31.5
    rayleigh_px = 12.0
    scale = 3.8317 / rayleigh_px  # the first dark ring

    def airy(at: np.ndarray) -> np.ndarray:
        return (2 * j1(scale * at) / (scale * at)) ** 2

    for share, wanted in ((1.0, 0.265), (0.7, 0.0)):
        apart = share * rayleigh_px
        profile = airy(x - apart / 2 + 1e-6) + airy(x + apart / 2 + 1e-6)
        image = np.tile(profile, (64, 1)).astype(np.float32)
        assert esrrf._dip(image, apart) == pytest.approx(wanted, abs=0.02)


def test_from_where_on_is_the_farthest_that_was_missed_and_one_more() -> None:
    some = [0.0] * 4 + [0.5] * 2 + [0.1] + [0.5] * (len(esrrf.RAYLEIGHS) - 7)
    assert esrrf._from_on(some) == esrrf.RAYLEIGHS[7]
    assert esrrf._from_on([0.5] * len(esrrf.RAYLEIGHS)) == esrrf.RAYLEIGHS[0]
    assert np.isnan(esrrf._from_on([0.5] * (len(esrrf.RAYLEIGHS) - 1) + [0.0]))


def test_emitters_are_told_apart_nearer_than_in_the_mean_and_sabotage_is_seen(monkeypatch) -> None:
    monkeypatch.setattr(esrrf, "RAYLEIGHS", (0.8, 1.3))
    monkeypatch.setattr(esrrf, "FRAMES", 60)
    found = esrrf.told_apart(films=1)
    assert found["avg"] == found["var"] == 0.8
    assert found["mean"] == 1.3
    broken = esrrf.told_apart(films=1, sabotage=True)
    assert not broken["avg"] <= 0.8


def test_the_table_and_the_values_are_of_what_was_measured(monkeypatch) -> None:
    monkeypatch.setattr(esrrf, "SIDE_PX", 64)
    monkeypatch.setattr(esrrf, "FRAMES", 12)
    monkeypatch.setattr(esrrf, "FINE_PX", 64)
    threads = cv2.getNumThreads()
    timed, rows = esrrf.speeds(3), esrrf.score(1)
    assert cv2.getNumThreads() == threads
    apart = dict.fromkeys(esrrf.NAMES, 0.8)
    values = esrrf.values_of(timed, apart)
    assert set(values) == {"models_esrrf_ms", "models_esrrf_told_apart"}
    assert values["models_esrrf_ms"] > 0
    assert [(row.peak_e, row.on_share) for row in rows] == [
        (peak, share) for share in esrrf.ON_SHARES for peak in esrrf.PEAKS_E
    ]
    table = "\n".join(esrrf.table_of(timed, rows, apart))
    assert "| tac2 |" in table
    assert "| 200 | 10 |" in table


def test_pictures_wait_for_rest_and_the_table_says_what_they_cost(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "SIDE_PX", 64)
    monkeypatch.setattr(pictures, "RESTS_S", (0.0, 100.0))
    monkeypatch.setattr("lightloop.bench.models_nets.find", lambda name: None)
    never, always = pictures.measure(3)
    assert (never.what, never.with_pictures, always.with_pictures) == ("esrrf", 0.0, 1.0)
    assert never.mean_ms < always.mean_ms <= always.most_ms
    assert "| esrrf | 1 | 100 |" in "\n".join(pictures.table_of([never, always]))
