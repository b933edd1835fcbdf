"""Kinds of cells: how they look in numbers, what is learnt from labels, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightloop.build.kinds import check_kinds
from lightloop.config import ConfigError, parse
from lightloop.learning.kinds_labels import Label, read_labels
from realtime.detections import Detections
from realtime.errors import KindsError
from realtime.kinds import Classifier, read_classifier, write_classifier
from realtime.kinds.learning import Examples, learn
from realtime.kinds.looks import LOOKS, looks_of
from realtime.observe import observe
from realtime.policy import Observation, Trust
from realtime.telling.kind_summary import summarize_kinds
from realtime.wire import Result, Tracks
from tests.run_helpers import SMALL

SIDE, PLACES = 120, ((30.0, 30.0), (30.0, 90.0), (90.0, 30.0), (90.0, 90.0))


def cells(image: np.ndarray, places=PLACES) -> Detections:
    y, x = (np.array([place[axis] for place in places]) for axis in (0, 1))
    signal = np.array([image[int(a), int(b)] - image[0, 0] for a, b in places], np.float64)
    area = np.pi * 8.0**2 * np.ones(len(places))
    return Detections(y, x, area, signal * area, signal, signal, eccentricity=0 * area)


def picture(rings: tuple[bool, ...] = (False, False, True, True)) -> np.ndarray:
    """Return discs, and rings that are brighter at the rim; the surroundings are 10 e-."""
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.full((SIDE, SIDE), 10.0)
    for (at_y, at_x), is_ring in zip(PLACES, rings, strict=True):
        away = np.hypot(y - at_y, x - at_x)
        image += (away < 8) * (40.0 + 60.0 * is_ring * (away > 5))
    return image.astype(np.float32)


def test_looks_stay_when_the_light_changes_or_the_image_is_turned() -> None:
    image = picture()
    looks = looks_of(image, cells(image), 0.5)
    assert looks.shape == (4, len(LOOKS))
    brighter = (7 * image).astype(np.float32)
    np.testing.assert_allclose(looks_of(brighter, cells(brighter), 0.5), looks, atol=1e-5)
    turned = np.rot90(image).copy()
    places = tuple((SIDE - 1 - x, y) for y, x in PLACES)
    np.testing.assert_allclose(looks_of(turned, cells(turned, places), 0.5), looks, atol=1e-4)


def test_a_larger_pixel_is_a_larger_cell_and_nothing_else() -> None:
    image = picture()
    one, two = (looks_of(image, cells(image), pixel_um) for pixel_um in (0.5, 1.0))
    assert two[:, 0] - one[:, 0] == pytest.approx(np.log(4.0))
    np.testing.assert_array_equal(one[:, 1:], two[:, 1:])


def test_rings_look_unlike_discs_and_cells_without_light_like_nothing() -> None:
    image = picture()
    rim = looks_of(image, cells(image), 0.5)[:, LOOKS.index("brightness_at_0.75")]
    assert (rim[2:] > 1.5 * rim[:2]).all()
    dark = cells(image)
    dark.signal_e[0] = 0.0
    looks = looks_of(image, dark, 0.5)
    assert np.isnan(looks[0]).any()
    assert np.isfinite(looks[1:]).all()
    assert looks_of(image, cells(image, ()), 0.5).shape == (0, len(LOOKS))


def examples(apart: float, n_cells: int = 30, images: int = 4, seed: int = 1) -> Examples:
    """Return images of two kinds that are `apart` standard deviations in one look."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat([0, 1], n_cells)
    own = rng.normal(size=(2 * n_cells, len(LOOKS)))
    own[:, 3] += apart * kinds
    looks = np.repeat(own, images, axis=0) + 0.1 * rng.normal(size=(2 * n_cells * images, 14))
    return Examples(looks, np.repeat(kinds, images), np.repeat(np.arange(2 * n_cells), images))


def test_what_is_learnt_is_near_the_best_that_can_be() -> None:
    made = learn(examples(3.0, n_cells=200), ("a", "b"))
    assert made.accuracy == pytest.approx(0.933, abs=0.03)  # Phi(3 / 2), the optimal rule's
    fresh = examples(3.0, n_cells=2000, images=1, seed=9)
    said = made.of_looks(fresh.looks)
    assert (said.argmax(axis=1) == fresh.kinds).mean() == pytest.approx(made.accuracy, abs=0.03)
    loss = -np.log(said[np.arange(len(said)), fresh.kinds]).mean()
    assert loss == pytest.approx(made.log_loss, abs=0.06)
    sure = said.max(axis=1)  # probabilities are honest
    assert sure.mean() == pytest.approx((said.argmax(axis=1) == fresh.kinds).mean(), abs=0.03)


def test_kinds_that_look_alike_are_not_told_apart_though_each_cell_has_many_images() -> None:
    made = learn(examples(0.0, n_cells=40, images=20), ("a", "b"))
    assert made.accuracy < 0.65  # a lucky guess at most: no image of a cell helps to judge it
    assert made.log_loss == pytest.approx(np.log(2), abs=0.05)


def test_a_rare_kind_counts_as_much_as_a_common_one() -> None:
    known = examples(3.0, n_cells=400, images=1)
    few = (known.kinds == 0) | (known.cells % 10 == 0)
    made = learn(Examples(known.looks[few], known.kinds[few], known.cells[few]), ("a", "b"))
    fresh = examples(3.0, n_cells=1000, images=1, seed=5)
    said = made.of_looks(fresh.looks).argmax(axis=1)
    right = [(said[fresh.kinds == kind] == kind).mean() for kind in (0, 1)]
    assert min(right) > 0.8
    assert made.cells == (400, 40)


def test_labels_from_which_nothing_can_be_learnt_are_refused() -> None:
    known = examples(3.0, n_cells=5)
    with pytest.raises(KindsError, match="2 to 32 kinds, and has 1"):
        learn(known, ("a",))
    few = known.cells < 7  # five cells of the first kind, two of the second
    with pytest.raises(KindsError, match="2 cells of kind 'b' were found"):
        learn(Examples(known.looks[few], known.kinds[few], known.cells[few]), ("a", "b"))
    with pytest.raises(KindsError, match="same name"):
        learn(known, ("cell a", "cell-a"))
    with pytest.raises(KindsError, match="begins with a letter"):
        learn(known, ("a", "=b"))


@pytest.fixture(scope="module")
def made() -> Classifier:
    return learn(examples(3.0), ("a", "b"), "run.h5")


def test_a_classifier_comes_back_from_its_file_as_it_was(made: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "kinds.json"
    write_classifier(path, made)
    assert read_classifier(path) == made
    with pytest.raises(KindsError, match="exists already"):
        write_classifier(path, made)


def test_a_cell_of_which_nothing_is_known_has_no_probability(made: Classifier) -> None:
    looks = np.zeros((3, len(LOOKS)))
    looks[1, 4] = np.nan
    looks[2] = 1e9  # so far from all that was learnt that nobody may be sure beyond it
    said = made.of_looks(looks)
    assert np.isnan(said[1]).all()
    assert said[[0, 2]].sum(axis=1) == pytest.approx(1.0)
    assert made.of_looks(looks[:0]).shape == (0, 2)


@given(st.lists(st.floats(-1e6, 1e6), min_size=len(LOOKS), max_size=len(LOOKS)))
def test_probabilities_are_some_whatever_is_seen(made: Classifier, look: list[float]) -> None:
    said = made.of_looks(np.array([look]))
    assert (said >= 0).all()
    assert said.sum() == pytest.approx(1.0)


BROKEN = {
    "not JSON": b"kinds",
    "another thing": b'{"policy": "snr"}',
    "empty": b"",
}
CHANGED = {
    "format": "lightloop kinds 99",
    "kinds": ["a"],
    "looks": ["size"],
    "mean": [0.0],
    "scale": [0.0] * len(LOOKS),
    "weights": [[1.0] * len(LOOKS), [1.0]],
    "bias": [1.0, 2.0, 3.0],
}


@pytest.mark.parametrize("what", [*BROKEN, *CHANGED])
def test_a_file_that_is_no_classifier_is_refused_by_name(
    made: Classifier, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "kinds.json"
    data = BROKEN.get(what)
    if data is None:
        values = json.loads(msgspec.json.encode(made))
        data = json.dumps(values | {what: CHANGED[what]}).encode()
    path.write_bytes(data)
    with pytest.raises(KindsError, match=r"kinds\.json"):
        read_classifier(path)
    with pytest.raises(ConfigError, match=r"mine\.toml: kinds\.file"):
        check_kinds(parse(f"{SMALL}\n[kinds]\nfile = {json.dumps(str(path))}\n"), "mine.toml")


def test_a_file_that_is_not_there_is_told_by_check_and_none_is_needed(tmp_path: Path) -> None:
    missing = json.dumps(str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="there is no such file; lightloop classify makes one"):
        check_kinds(parse(f"{SMALL}\n[kinds]\nfile = {missing}\n"), "mine.toml")
    check_kinds(parse(SMALL), "mine.toml")
    with pytest.raises(ConfigError, match="looks for none"):
        parse(f'follow = "nothing"\n{SMALL}\n[kinds]\nfile = "a.json"\n')


def test_labels_are_of_a_life_or_of_a_time_point(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("cell,kind,t,more\n3,mitotic,7,x\n3,interphase,,\n4,,,\n", "utf-8")
    assert read_labels(path) == [Label(0, 3, 7, "mitotic"), Label(0, 3, None, "interphase")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cell,t\n1,2\n", "a column kind"),
        ("", "a column cell and a column kind"),
        ("cell,kind\none,a\n", "line 2: cell, t and position are numbers"),
        ("cell,kind\n1,a\n1,b\n", "cell 1 is both 'a' and 'b'"),
        ("cell,kind\n1,\n", "no row names a kind"),
        ("cell,kind\n1\n", "no row names a kind"),
    ],
)
def test_labels_that_nobody_can_follow_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(KindsError, match=told):
        read_labels(path)


def test_labels_that_are_not_there_or_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KindsError, match="no such file"):
        read_labels(tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\xd8\x00")
    with pytest.raises(KindsError, match="cannot be read"):
        read_labels(tmp_path / "image.csv")


TRACKS = Tracks(
    ids=(0, 1, 2), parents=(-1, -1, -1), y_px=(1.0, 2.0, 3.0), x_px=(1.0, 2.0, 3.0),
    vy_px=(0.0,) * 3, vx_px=(0.0,) * 3, ages=(5, 5, 0), missed=(0, 0, 0), photons=(9.0,) * 3,
    area_px=(9.0,) * 3, classes=((0.9, 0.1), (0.2, 0.8), (0.5, 0.5)), kinds=("a", "b"),
)  # fmt: skip


def observed(tracks: Tracks) -> Observation:
    image = picture()
    return observe(
        shot=0, position=0, t_s=0.0, seqs=(0,), applied=(), detections=cells(image),
        tracks=tracks, events=(), trust=Trust(), saturated_fraction=0.0,
    )  # fmt: skip


def test_a_policy_sees_how_many_confirmed_cells_of_each_kind_are_expected() -> None:
    assert observed(TRACKS).kinds == {"a": pytest.approx(1.1), "b": pytest.approx(0.9)}
    assert observed(msgspec.structs.replace(TRACKS, classes=(), kinds=())).kinds == {}


def test_a_summary_counts_confirmed_cells_by_what_they_were_at_last() -> None:
    then = msgspec.structs.replace(TRACKS, classes=((0.4, 0.6), (0.2, 0.8), (0.5, 0.5)))
    results = [Result(n, 0, (n,), observed(t), t) for n, t in enumerate((TRACKS, then))]
    assert summarize_kinds(results) == {"a": 0, "b": 2}
    assert summarize_kinds(results[:1]) == {"a": 1, "b": 1}
    assert summarize_kinds([]) == {}
