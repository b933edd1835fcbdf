"""Examples out of a user's recordings: independence, noise, splits. Needs no torch."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import noise
from models.errors import ModelError
from models.train.own.augment import Augmentation, draw_augmentation
from models.train.own.blind_spot import REACH_PX, SHARE, hide
from models.train.own.examples import find_examples
from models.train.own.exposures import Relation, at_rest, relate
from models.train.own.prefetch import Prefetch
from models.train.own.samples import Sampler
from models.train.own.splits import split_examples
from models.train.own.takes import Camera, Take
from models.train.own.target import bias_and_variance
from models.train.own.thinning import dim, split
from models.train.own.verdict import curve_svg, verdict

SIDE = 500  # chance alone correlates two such images by 0.002 (1 sigma)


def exposed(light, read_e, seed=0, shape=(SIDE, SIDE)):
    rng = np.random.default_rng(seed)
    seen = rng.poisson(np.broadcast_to(light, shape)) + read_e * rng.standard_normal(shape)
    return seen.astype(np.float32)


@pytest.mark.parametrize("read_e", [0.0, 0.3, 1.4, 3.0])
@pytest.mark.parametrize("light", [0.0, 0.3, 2.0, 20.0, 300.0])
def test_both_parts_of_a_split_exposure_are_independent(read_e, light):
    if read_e == light == 0.0:
        return
    image = exposed(light, read_e)
    for share in (0.2, 0.5):
        first, second = split(np.random.default_rng(1), image, read_e, share)
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01
        assert np.allclose(first + second, image, atol=1e-3)
        assert first.var() == pytest.approx(share * (light + read_e**2), rel=0.03, abs=0.003)


def test_parts_of_a_structured_exposure_are_independent():
    y, x = np.mgrid[:SIDE, :SIDE]
    light = 6.0 * (1 + np.sin(x / 3.0)) * (1 + np.cos(y / 5.0))
    first, second = split(np.random.default_rng(1), exposed(light, 1.4), 1.4, 0.5)
    left = (first - 0.5 * light, second - 0.5 * light)
    assert abs(np.corrcoef(left[0].ravel(), left[1].ravel())[0, 1]) < 0.01


def test_binomial_thinning_is_not_independent_where_read_noise_is():
    image = exposed(2.0, 1.4)
    counts = np.maximum(np.round(image), 0).astype(int)
    first = np.random.default_rng(1).binomial(counts, 0.5)
    assert abs(np.corrcoef(first.ravel(), (counts - first).ravel())[0, 1]) > 0.1


@pytest.mark.parametrize(
    ("light", "read_e", "share"), [(0.5, 1.4, 0.3), (8, 1.4, 0.1), (60, 3, 0.7)]
)
def test_a_dimmed_image_has_the_noise_of_a_shorter_exposure(light, read_e, share):
    dimmed = dim(np.random.default_rng(1), exposed(light, read_e), read_e, share)
    assert dimmed.mean() == pytest.approx(share * light, abs=0.05)
    assert dimmed.var() == pytest.approx(share * light + read_e**2, rel=0.02)


def test_a_share_of_no_light_is_refused():
    for share in (0.0, 1.2, float("nan")):
        with pytest.raises(ValueError, match="share of the light"):
            split(np.random.default_rng(1), np.ones((8, 8), np.float32), 1.0, share)


@pytest.mark.parametrize("light", [0.0, 0.5, 3.0, 25.0, 200.0])
@pytest.mark.parametrize(("scale", "target_read_e"), [(1.0, 1.4), (0.1, 1.4), (4.0, 1.0)])
def test_bias_and_variance_of_a_noisy_target_are_those_of_drawn_ones(light, scale, target_read_e):
    rng, n, read_e = np.random.default_rng(3), 400_000, 1.4
    target = scale * (rng.poisson(light / scale, n) + target_read_e * rng.standard_normal(n))
    drawn = noise.forward(target, 1.0, 0.0, read_e)
    bias, variance = bias_and_variance(
        np.full((1, 1), light, np.float32), scale, target_read_e, read_e
    )
    truth = float(noise.forward(light, 1.0, 0.0, read_e))
    assert bias[0, 0] == pytest.approx(drawn.mean() - truth, abs=0.012)
    assert variance[0, 0] == pytest.approx(drawn.var(), rel=0.02)


def test_hidden_pixels_show_a_neighbour_and_all_others_stay():
    image = np.arange(200 * 200, dtype=np.float32).reshape(200, 200)  # every value but once
    out, hidden = hide(np.random.default_rng(5), image)
    assert hidden.mean() == pytest.approx(SHARE, rel=0.15)
    assert (out[~hidden] == image[~hidden]).all()
    y, x = np.nonzero(hidden)
    dy, dx = np.abs(out[hidden].astype(int) // 200 - y), np.abs(out[hidden].astype(int) % 200 - x)
    assert max(dy.max(), dx.max()) == REACH_PX
    assert ((dy > 0) | (dx > 0)).all()


def blobs(seed=0, size=256):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    centres = rng.uniform(0, size, (25, 2))
    light = np.full((size, size), 2.0)
    for cy, cx in centres:
        light += 30.0 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 128.0)
    return light


def test_gain_and_offset_between_exposures_are_found_although_both_are_noisy():
    light = 0.2 * blobs()
    first, second = (
        exposed(light, 1.4, 1, light.shape),
        exposed(7.0 * light + 3.0, 1.4, 2, light.shape),
    )
    found = relate(first, second, 1.4, expected_gain=6.0)
    assert found.is_fitted
    assert found.gain == pytest.approx(7.0, rel=0.03)
    assert found.shift_e == pytest.approx(3.0, abs=0.5)


def test_without_contrast_the_expected_gain_is_kept():
    flat = np.full((128, 128), 3.0)
    found = relate(
        exposed(flat, 1.4, 1, flat.shape), exposed(9 * flat, 1.4, 2, flat.shape), 1.4, 8.0
    )
    assert (found.gain, found.is_fitted) == (8.0, False)


def test_what_moved_does_not_count_and_what_rests_does():
    light, same = blobs(), Relation(1.0, 0.0, is_fitted=True)
    still = at_rest(*(exposed(light, 1.4, s, light.shape) for s in (1, 2)), 1.4, same)
    assert still.mean() > 0.995
    gone = light.copy()
    gone[100:130, 100:130] += 25.0
    moved = at_rest(
        exposed(light, 1.4, 1, light.shape), exposed(gone, 1.4, 2, light.shape), 1.4, same
    )
    assert moved[105:125, 105:125].mean() < 0.05
    assert moved[:80, :80].mean() > 0.99


CAMERA = Camera(2.0, 100.0, 1.4)


def take(frames=12, field="a", plane=0, light=None, seed=0, size=64, level=20.0, channel="gfp"):
    lights = np.ones(frames) if light is None else np.asarray(light, float)
    electrons = [exposed(level * k, 1.4, seed + n, (size, size)) for n, k in enumerate(lights)]
    pixels = [np.clip(np.round(100 + 2 * e), 0, 65535).astype(np.uint16) for e in electrons]
    return Take(
        "run", field, channel, plane, 0.5 * plane, pixels, np.arange(frames),
        np.arange(frames, dtype=float), lights, CAMERA, "488",
    )  # fmt: skip


@given(frames=st.integers(2, 12), in_frames=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_no_network_sees_the_image_that_it_is_asked_for(frames, in_frames):
    takes = [take(frames, size=8)]
    for example in find_examples(takes, "denoise", "noise2noise", in_frames):
        assert example.target not in example.images
        assert len(example.images) <= in_frames
        assert [s.frame for s in example.images] == sorted(s.frame for s in example.images)
        assert example.target.frame == example.images[-1].frame + 1


def test_dim_frames_are_paired_with_the_nearest_bright_one():
    takes = [take(9, light=[1, 1, 10, 1, 1, 10, 1, 1, 10], size=16, level=1.0)]
    found = find_examples(takes, "denoise", "paired", 3)
    assert {e.target.frame for e in found} == {2, 5, 8}
    assert all(takes[0].light[s.frame] == 1 for e in found for s in e.images)
    assert all(e.gain == pytest.approx(10.0) for e in found)


def test_exposures_of_two_light_lines_are_no_pair():
    one, other = take(4), take(4, light=[10] * 4, channel="rfp")
    other = Take(**{n: getattr(other, n) for n in other.__slots__} | {"line": "561"})
    with pytest.raises(ModelError, match="bright exposures between dim ones"):
        find_examples([one, other], "denoise", "paired", 1)


def test_planes_are_asked_for_between_their_neighbours():
    takes = [take(3, plane=k) for k in range(4)]
    found = find_examples(takes, "axial", "noise2noise", 2)
    assert len(found) == 3 * 2
    for example in found:
        below, above = example.images
        assert takes[above.take].plane - takes[below.take].plane == 2
        assert below.frame == above.frame == example.target.frame


@pytest.mark.parametrize(
    ("task", "mode", "frames", "need"),
    [("denoise", "noise2noise", 1, "at least 2 exposures"), ("axial", "paired", 5, "3 planes")],
)
def test_a_recording_without_examples_is_refused_with_what_it_needs(task, mode, frames, need):
    with pytest.raises(ModelError, match=need):
        find_examples([take(frames)], task, mode, 1)


def test_with_many_fields_whole_fields_are_held_out():
    takes = [take(4, field=name, size=8) for name in "abcde"]
    parts = split_examples(find_examples(takes, "denoise", "blind-spot", 1), seed=1)
    fields = [{e.field for e in part} for part in (parts.train, parts.held_out)]
    assert not fields[0] & fields[1]
    assert len(fields[1]) == 1


def test_with_few_fields_the_last_of_the_time_is_held_out_and_no_image_is_in_both_parts():
    takes = [take(20, field=name, size=8) for name in "ab"]
    parts = split_examples(find_examples(takes, "denoise", "noise2noise", 5), seed=1)
    used = [
        {s for e in part for s in (*e.images, e.target)} for part in (parts.train, parts.held_out)
    ]
    assert not used[0] & used[1]
    assert max(e.t_s for e in parts.train) < min(e.t_s for e in parts.held_out)


def test_too_few_frames_are_refused():
    with pytest.raises(ModelError, match="record more frames"):
        split_examples(find_examples([take(5)], "denoise", "blind-spot", 1), seed=1)


class Case(NamedTuple):
    """Which takes teach which task in which way."""

    task: str
    mode: str
    in_frames: int


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    "case",
    [
        Case("denoise", "noise2noise", 5), Case("denoise", "paired", 1),
        Case("denoise", "blind-spot", 3), Case("superres", "noise2noise", 1),
        Case("superres", "blind-spot", 1), Case("axial", "noise2noise", 2),
    ],
    ids=lambda case: f"{case.task}-{case.mode}",
)  # fmt: skip
def test_targets_have_the_mean_of_clean_ones_and_the_variance_that_is_stated(case, plain):
    light = [1, 1, 6] * 3 if case.mode == "paired" else [1] * 9
    planes = 3 if case.task == "axial" else 1
    takes = [take(9, plane=k, light=light, seed=20 * k, size=160, level=8.0) for k in range(planes)]
    examples = find_examples(takes, case.task, case.mode, case.in_frames)
    sampler = Sampler(takes, case.task, case.mode, case.in_frames, 64)
    sampler.fit_relations(examples)
    count = 160 if case == ("denoise", "blind-spot", 3) else 25  # few pixels are hidden
    batch = sampler.batch(np.random.default_rng(7), examples, count, plain=plain)
    extra = 2 if case.task == "axial" else 0
    assert batch.planes.shape[1] == case.in_frames + extra
    clean = batch.base.mean(axis=(2, 3), keepdims=True)  # the field is flat
    inner = np.zeros(batch.target.shape, bool)
    inner[..., 8:-8, 8:-8] = True
    counts = inner & (batch.weight > 0)
    off = (batch.target - clean)[counts]
    stated = batch.target_variance[counts]
    # The base is a mean of stabilised noisy pixels: its own bias is that of a noisy image.
    read = 1.4 * {"superres": 2.0}.get(case.task, 1.0)
    light_e = noise.inverse_unbiased(clean, read)
    bias = clean - noise.forward(light_e, 1.0, 0.0, read)
    mean_bias = float(np.broadcast_to(bias, counts.shape)[counts].mean())
    assert off.mean() == pytest.approx(-mean_bias, abs=0.01 + 4.0 / np.sqrt(off.size))
    assert np.mean((off - off.mean()) ** 2) == pytest.approx(stated.mean(), rel=0.12)


def test_the_same_seed_draws_the_same_batch():
    takes = [take(12)]
    examples = find_examples(takes, "denoise", "blind-spot", 2)
    sampler = Sampler(takes, "denoise", "blind-spot", 2, 32)
    first, again = (
        sampler.batch(np.random.default_rng((1, 5)), examples, 3, plain=False) for _ in range(2)
    )
    for name in ("planes", "base", "target", "weight"):
        assert (getattr(first, name) == getattr(again, name)).all()


def test_clipped_pixels_do_not_teach():
    one = take(12)
    for frame in one.frames:
        frame[:, :32] = 65535
    examples = find_examples([one], "denoise", "noise2noise", 1)
    sampler = Sampler([one], "denoise", "noise2noise", 1, 64)
    batch = sampler.batch(np.random.default_rng(0), examples, 4, plain=True)
    assert (batch.weight[..., :32] == 0).all()
    assert batch.weight[..., 40:].mean() > 0.95


def test_all_images_of_an_example_are_turned_alike():
    rng = np.random.default_rng(2)
    images = rng.random((3, 16, 16), np.float32)
    for _ in range(20):
        how = draw_augmentation(rng)
        turned = how.turned(images)
        for one, other in zip(images, turned, strict=True):
            assert (how.turned(one) == other).all()
    assert (Augmentation().turned(images) == images).all()


def test_batches_made_ahead_are_those_that_were_asked_for():
    asked = []

    def batch_at(step):
        asked.append(step)
        return step * 10

    with Prefetch(batch_at) as ahead:
        assert [ahead(step) for step in (1, 2, 3, 7, 8)] == [10, 20, 30, 70, 80]
    assert max(asked) <= 9


class Look(NamedTuple):
    """As much of a look as a verdict needs."""

    step: int
    train_nll: float
    held_out_nll: float


@pytest.mark.parametrize(
    ("train", "held_out", "said"),
    [
        ([1, 0.5, 0.2, 0.1], [1, 0.6, 0.7, 0.9], "^over-fit after step 200"),
        ([1, 0.8, 0.7, 0.6], [1, 0.8, 0.7, 0.6], "^no over-fit: .* still falling"),
        ([1, 0.8, 0.8, 0.8], [1, 0.7, 0.705, 0.706], "^no over-fit: .* levelled off at step 200"),
        ([1, 0.8, 0.8, 0.9], [1, 0.7, 0.8, 0.9], "^no over-fit, but unsteady"),
    ],
)
def test_the_verdict_says_whether_images_were_learnt_by_heart(train, held_out, said):
    looks = [
        Look(100 * (k + 1), t, h) for k, (t, h) in enumerate(zip(train, held_out, strict=True))
    ]
    assert re.search(said, verdict(looks))
    picture = ElementTree.fromstring(curve_svg(looks, "a < b & c"))
    lines = [e for e in picture.iter() if e.tag.endswith("polyline")]
    assert [len(line.attrib["points"].split()) for line in lines] == [4, 4]
