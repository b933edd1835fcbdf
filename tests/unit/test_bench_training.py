"""The bench of training measures what was forgotten by itself, and notices when it is much."""

from __future__ import annotations

import pytest

from lightloop.bench import load_bars, training
from models.package import Package, shipped


@pytest.fixture
def package(monkeypatch) -> Package:
    monkeypatch.setattr(training, "_SCENES", 4)
    monkeypatch.setattr(training, "_SCENE_PX", 128)
    return Package.load(shipped("denoise-2d"))


def bar() -> float:
    return next(bar.bound for bar in load_bars("training") if bar.name == "training_old_loss_db")


def test_a_network_that_learnt_nothing_forgot_nothing(package) -> None:
    assert training.forgotten_db(package, package, sabotage=False) == 0.0


def test_a_network_whose_answers_are_spoilt_misses_the_bar(package) -> None:
    assert training.forgotten_db(package, package, sabotage=True) > bar()


def test_no_field_that_judges_is_learnt_from() -> None:
    import numpy as np

    fields = np.repeat(np.arange(20), 6)
    judged = {0, 3, 19}
    train = training.half_of(fields, judged)
    assert len(train) == 10
    assert not judged & set(train)
