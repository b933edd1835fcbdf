"""The bench of trust: its frames hold the faults that they claim, and it notices sabotage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lightloop.bench import trust as trust_bench
from lightloop.bench import (
    trust_closed,
    trust_cover,
    trust_fit,
    trust_frames,
    trust_jobs,
    trust_score,
)
from lightloop.bench.trust_cover import REGIONS
from lightloop.bench.trust_focus import depth_of_field_um
from models.denoise import Denoised
from models.history import Moment
from models.regions import split
from models.residuals import Limits
from models.train import trust_films as known
from realtime.trust import TrustWatch

PARTS = ("low", "middle", "high")


def points(rng: np.random.Generator, spread: float) -> dict[str, list[trust_cover.Point]]:
    stated = rng.uniform(0.5, 2.0, 400)
    true = stated * rng.lognormal(0.0, spread, 400)
    half = 1.2816 * 0.1
    each = [
        trust_cover.Point(known.Seen(s, t, 3.0), s * np.exp(-half), s * np.exp(half))
        for s, t in zip(stated, true, strict=True)
    ]
    return {"cells": each, "background": each}


def test_an_honest_interval_meets_the_bar_and_a_boast_does_not() -> None:
    rng = np.random.default_rng(1)
    honest, rows = trust_cover.cover(points(rng, 0.1), 100, sabotage=False)
    boast, _ = trust_cover.cover(points(rng, 0.2), 100, sabotage=False)
    halved, _ = trust_cover.cover(points(rng, 0.1), 100, sabotage=True)
    assert honest["coverage_off"] <= 0.05
    assert boast["coverage_off"] > 0.05
    assert halved["coverage_off"] > 0.5
    assert [row[:2] for row in rows] == [("cells", 1), ("background", 1)]


class Seer:
    """Stands for the network: restores the mean of the frame, and keeps no history."""

    in_frames = 1

    def __init__(self) -> None:
        self.lights: list[float] = []

    def forget(self) -> None:
        self.lights.clear()

    def __call__(self, adu: np.ndarray, camera: int, moment: Moment) -> Denoised:
        self.lights.append(moment.light)
        electrons = ((adu - known.OFFSET_ADU) / known.GAIN_ADU_PER_E).astype(np.float32)
        soft = cv2.GaussianBlur(electrons, (0, 0), 2.0)
        return Denoised(soft, np.full_like(soft, 0.3))


def test_in_a_closed_loop_the_policy_chooses_the_light_and_the_last_frame_is_audited() -> None:
    seer, changes, audits = Seer(), [], []
    scales = {f"{r}.{o}.{p}": 1.0 for r in trust_cover.REGIONS for o in (0, 5) for p in PARTS}

    def new(camera: int) -> TrustWatch:
        shape = (known.SIZE, known.SIZE)
        return TrustWatch(shape, trust_frames.calibration(camera), Limits(), 600.0, scales)

    for seed in (0, 22, 51, 54):  # as it was, more, less, and a quarter of the light
        end = trust_closed.close_loop(np.random.default_rng(seed), seer, new, 600.0)
        assert len(seer.lights) == trust_closed.SHOTS + 2
        assert seer.lights[-1] == seer.lights[-2]
        changes.append(seer.lights[-1] / seer.lights[0])
        assert changes[-1] == pytest.approx(end.change)
        assert len(end.every) == trust_closed.SHOTS + 1
        assert end.every[-1] == end.points
        audits.append(end.audit)
    assert max(changes) > 1.2
    assert min(changes) < 0.8
    told = [audit for audit in audits if audit is not None]
    assert told
    for audit in told:
        assert audit.found_e == pytest.approx(audit.true_e, rel=0.3)


def test_pieces_of_work_hold_all_scenes_once_with_seeds_of_their_own() -> None:
    pieces = trust_jobs.jobs("fault", 3, 25, "gain") + trust_jobs.jobs("fault", 3, 25, "offset")
    assert sum(piece.scenes for piece in pieces) == 50
    assert len({piece.seed for piece in pieces}) == len(pieces)


def test_pieces_of_a_count_are_added_up() -> None:
    part = trust_score.Counted("gain", 10, 9, {"noise": 9, "erased": 1})
    other = trust_score.Counted("good", 5, 0, {})
    more = trust_score.Counted("gain", 5, 5, {"noise": 5})
    wanted = [trust_score.Counted("gain", 15, 14, {"noise": 14, "erased": 1}), other]
    assert trust_score.added([part, other, more]) == wanted


def test_octaves_with_few_frames_are_not_judged() -> None:
    values, _ = trust_cover.cover(points(np.random.default_rng(1), 0.1), 1_000, sabotage=False)
    assert values["octaves"] == 0
    assert values["coverage_off"] == 1.0


class TruthTeller:
    """Stands for the network: knows the scene that was drawn last."""

    def __call__(self, adu: np.ndarray, camera: int) -> object:
        electrons = ((adu - known.OFFSET_ADU) / known.GAIN_ADU_PER_E).astype(np.float32)
        return trust_frames.Denoised(electrons, np.ones_like(electrons))


@pytest.mark.parametrize("name", ["planted", "erased"])
def test_a_spot_has_the_size_that_it_claims(name: str) -> None:
    rng = np.random.default_rng(4)
    scene = known.Known(np.full((96, 96), 2.0), 1)
    shown = trust_score.FAULTS[name].frames(rng, scene, TruthTeller())  # type: ignore[arg-type]
    differences = []
    for _ in range(40):
        adu, answer = next(shown)
        electrons = (adu - known.OFFSET_ADU) / known.GAIN_ADU_PER_E
        differences.append(answer.photons - electrons)
    mean = np.mean(differences, axis=0) * (1 if name == "planted" else -1)
    assert mean.max() == pytest.approx(trust_frames.SPOT_E, abs=1.6)
    assert mean.sum() == pytest.approx(7 * 2 * np.pi * 1.5**2, rel=0.1)


def test_the_depth_of_field_is_that_of_the_textbook() -> None:
    assert depth_of_field_um(510.0, 0.75, 0.325) == pytest.approx(1.34, abs=0.01)


def test_every_pattern_lies_between_dark_and_light() -> None:
    rng = np.random.default_rng(2)
    for pattern in trust_frames.PATTERNS:
        image = pattern(rng, 96)
        assert image.shape == (96, 96)
        assert image.min() >= 0
        assert 0.4 < image.max() <= 1.0


def test_frames_of_one_good_scene_stand_and_fall_together() -> None:
    good = trust_score.Counted("good", 40, 10, {"noise": 10}, (0, 10, 0, 0))
    more = trust_score.Counted("good", 10, 0, {}, (0,))
    assert trust_score.added([good, more])[0].of_scenes == (0, 10, 0, 0, 0)
    assert "1 of 4 good scenes flagged at all" in trust_score.table_of({}, [good])


@pytest.mark.parametrize(("flagged", "wanted"), [(0, (0.0, 0.0092)), (2, (0.0006, 0.0179))])
def test_the_interval_of_a_rate_is_that_of_the_tables(
    flagged: int, wanted: tuple[float, float]
) -> None:
    assert trust_score.rate_interval(flagged, 400) == pytest.approx(wanted, abs=1e-4)
    assert trust_score.rate_interval(400, 400)[1] == 1.0


@pytest.mark.parametrize("snr", [8.0, 40.0])
def test_led_light_makes_cells_as_clear_as_wanted(snr: float) -> None:
    scene = known.draw(np.random.default_rng(8), known.SIZE, "cells")
    lit = scene.truth_e * known.light_for(scene, snr)
    regions = split(scene.truth_e.astype(np.float32))
    is_cell = cv2.resize(regions.is_cell, lit.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    cells, dark = lit[is_cell].mean(), lit[~is_cell].mean()
    noise_e2 = known.CELL_PX * (cells + known.READ_NOISE_E[scene.camera] ** 2)
    assert known.CELL_PX * (cells - dark) / np.sqrt(noise_e2) == pytest.approx(snr, rel=1e-3)


def test_films_whose_light_is_led_move_it_between_the_frames() -> None:
    seer = Seer()
    films = list(known.steered(np.random.default_rng(3), seer, 600.0))
    lights = np.array(seer.lights)
    assert len(films) == len(lights) == 4
    assert np.ptp(lights) > 0
    assert np.all(lights[1:] <= 1.2501 * lights[:-1])
    assert np.quantile(films[0].known.truth_e, 0.999) <= 1.2 * 600.0


def test_drawn_scenes_and_loops_count_alike_in_what_is_fitted() -> None:
    rng, each = np.random.default_rng(6), []
    for frames, times in ((200, 1.0), (2_000, 2.0)):
        seen = [
            known.Seen(1.0, times * rng.lognormal(0.0, 0.05), 3.0, rng.normal())
            for _ in range(frames)
        ]
        each.append({region: [trust_cover.Point(s, 0.0, 0.0) for s in seen] for region in REGIONS})
    scales = trust_fit.fit(*each)
    assert scales["cells.1.low"] == pytest.approx(0.93, abs=0.05)
    assert scales["cells.1.high"] == pytest.approx(2.1, abs=0.1)


def test_what_is_fitted_is_none_of_what_is_judged() -> None:
    seeds = {trust_bench.SEED + more for more in range(6)}
    assert seeds.isdisjoint(trust_fit.CLOSED_SEEDS | trust_fit.OPEN_SEEDS)
