"""The card of a package says what it is for, per task, and shows only tables that were scored."""

from __future__ import annotations

import msgspec
import pytest

from models.package import Package, shipped
from models.train.card import write_card


@pytest.fixture
def manifest():
    return Package.load(shipped("denoise-2d")).manifest


def test_a_denoiser_says_when_it_may_lower_the_light(manifest) -> None:
    card = write_card(manifest, 117_304, {"simulated": [{"peak_e": 3.0, "network_db": 24.091}]})
    assert "may lower the light only while its residuals look like camera noise" in card
    assert "| 3 | 24.09 |" in card
    assert "Moving specimens" not in card


@pytest.mark.parametrize(
    ("task", "change", "words"),
    [
        ("superres", {"upscale": 2}, "twice the resolution"),
        ("axial", {"in_frames": 2, "extra_channels": ("dz", "fraction")}, "between two planes"),
    ],
)
def test_what_only_pleases_the_eye_says_that_it_never_decides(
    manifest, task, change, words
) -> None:
    card = write_card(msgspec.structs.replace(manifest, task=task, **change), 1, {})
    assert words in card
    assert "never decides on light" in card
    assert "may lower the light" not in card


def test_the_planes_that_go_in_are_named(manifest) -> None:
    changed = msgspec.structs.replace(
        manifest, task="axial", in_frames=2, extra_channels=("dz", "fraction")
    )
    assert "2 images, `dz`, `fraction` in" in write_card(changed, 1, {})
