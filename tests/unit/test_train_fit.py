"""The one trainer: it learns, it stops, and after a kill it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed to train, not to run")
pytestmark = pytest.mark.train

from models.errors import ModelError  # noqa: E402  # after the check for torch
from models.train.batch import Batch  # noqa: E402
from models.train.fit import Plan, fit, judge  # noqa: E402
from models.unet import LiteUNet  # noqa: E402

PLAN = Plan(steps=6, check_every=3)


def batch(seed: int, noise: float = 0.0) -> Batch:
    """Noise around flat levels: the mean of the surroundings is the answer."""
    rng = np.random.default_rng(seed)
    clean = np.broadcast_to(rng.uniform(-2, 2, (2, 1, 1, 1)), (2, 1, 24, 24)).astype(np.float32)
    planes = clean + rng.standard_normal(clean.shape).astype(np.float32)
    target = clean + noise * rng.standard_normal(clean.shape).astype(np.float32)
    return Batch(planes, np.zeros_like(clean), target, noise**2)


def new_net() -> LiteUNet:
    torch.manual_seed(3)
    return LiteUNet(base=4)


def weights(net) -> list[np.ndarray]:
    return [value.detach().numpy().copy() for value in net.state_dict().values()]


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_it_learns() -> None:
    plan = Plan(steps=120, check_every=60, rate=2e-2)
    looks = fit(new_net(), batch, [batch(seed) for seed in range(500, 508)], plan)
    assert looks[-1].held_out_psnr_db > looks[-1].base_psnr_db + 3
    assert looks[-1].held_out_nll < looks[0].held_out_nll


def test_a_noisy_target_teaches_the_error_of_the_restored_image_alone() -> None:
    """The head must not count the target's own noise, which is known."""
    net = new_net()
    fit(net, lambda step: batch(step, noise=1.0), [batch(999, 1.0)],
        Plan(steps=160, check_every=80, rate=2e-2))  # fmt: skip
    clean = batch(1234)
    with torch.inference_mode():
        variance = float(net(torch.from_numpy(clean.planes))[:, 1].exp().mean())
    _, error, _ = judge(net, [clean], half=False)
    assert variance < 0.6
    assert error < 0.3


def test_pixels_that_do_not_count_teach_nothing() -> None:
    one, other = batch(1), batch(1)
    weight = np.zeros_like(one.target)
    weight[..., :12] = 1.0
    other.target[..., 12:] = 50.0
    results = []
    for which in (one, other):
        net = new_net()
        fit(net, lambda _, b=which: replace(b, weight=weight), [batch(2)], PLAN)
        results.append(weights(net))
    assert same(*results)


def test_the_same_seed_is_the_same_training() -> None:
    results = []
    for _ in range(2):
        net = new_net()
        fit(net, batch, [batch(100)], PLAN)
        results.append(weights(net))
    assert same(*results)


class Killed(Exception):
    """Stands for a kill between two steps."""


def test_after_a_kill_it_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("models.train.fit._SAVE_EVERY_S", -1.0)
    whole, halves = new_net(), new_net()
    wanted = fit(whole, batch, [batch(100)], PLAN)

    def kill(step: int, _share: float) -> None:
        if step == 5:
            raise Killed

    with pytest.raises(Killed):
        fit(halves, batch, [batch(100)], PLAN, on_step=kill, checkpoint=tmp_path / "c.npz")
    seen: list[int] = []
    again = new_net()
    looks = fit(again, batch, [batch(100)], PLAN, checkpoint=tmp_path / "c.npz",
                on_step=lambda step, _share: seen.append(step))  # fmt: skip
    assert seen == [5, 6]
    assert same(weights(again), weights(whole))
    assert [look.held_out_nll for look in looks] == [look.held_out_nll for look in wanted]


def test_a_training_that_is_done_is_not_done_again(tmp_path) -> None:
    first = new_net()
    fit(first, batch, [batch(100)], PLAN, checkpoint=tmp_path / "c.npz")
    again = new_net()
    steps: list[int] = []
    fit(again, batch, [batch(100)], PLAN, checkpoint=tmp_path / "c.npz",
        on_step=lambda step, _share: steps.append(step))  # fmt: skip
    assert not steps
    assert same(weights(first), weights(again))


def test_a_checkpoint_of_another_training_is_refused(tmp_path) -> None:
    fit(new_net(), batch, [batch(100)], PLAN, checkpoint=tmp_path / "c.npz")
    with pytest.raises(ModelError, match="belongs to another training"):
        fit(new_net(), batch, [batch(100)], replace(PLAN, rate=1e-4),
            checkpoint=tmp_path / "c.npz")  # fmt: skip


@pytest.mark.parametrize("damage", ["no file of ours", "cut short", "a flipped bit", "one array"])
def test_a_damaged_checkpoint_says_what_to_do(tmp_path, damage) -> None:
    path = tmp_path / "c.npz"
    fit(new_net(), batch, [batch(100)], PLAN, checkpoint=path)
    content = bytearray(path.read_bytes())
    if damage == "no file of ours":
        content = bytearray(b"half a file")
    elif damage == "cut short":
        del content[len(content) // 2 :]
    elif damage == "a flipped bit":
        content[len(content) // 3] ^= 1
    path.write_bytes(content)
    if damage == "one array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    with pytest.raises(ModelError, match=r"c\.npz: this checkpoint is damaged .*: delete it"):
        fit(new_net(), batch, [batch(100)], PLAN, checkpoint=path)


def test_it_stops_when_nothing_gets_better() -> None:
    plan = Plan(steps=1000, check_every=1, patience=3, rate=1e-9)
    looks = fit(new_net(), batch, [batch(100)], plan)
    assert len(looks) < 20


def test_it_ends_in_time_with_a_last_look(monkeypatch) -> None:
    now = iter(range(10_000))
    monkeypatch.setattr("models.train.fit.time.monotonic", lambda: float(next(now)))
    looks = fit(new_net(), batch, [batch(100)], Plan(steps=1000, minutes=0.1, check_every=500))
    assert len(looks) == 1
    assert looks[0].step < 10


def test_a_training_that_diverges_ends_with_advice() -> None:
    broken = batch(1)
    broken.planes[0, 0, 3, 3] = np.inf
    with pytest.raises(ModelError, match=r"diverged at step 1 .*: train again with a lower rate"):
        fit(new_net(), lambda _: broken, [batch(2)], PLAN)


def test_what_was_learnt_ends_in_place_as_the_best_look() -> None:
    net = new_net()
    looks = fit(net, batch, [batch(100)], Plan(steps=60, check_every=10, rate=2e-2))
    best = min(look.held_out_nll for look in looks)
    from models.train.loss import half_precision

    nll, _, _ = judge(net, [batch(100)], half=half_precision())
    assert nll == pytest.approx(best, abs=1e-6)


def test_a_segmenter_that_diverges_is_no_segmenter(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.train import segment

    monkeypatch.setattr(segment, "loss_of", lambda out, wanted: (out * float("nan")).sum())
    rng = np.random.default_rng(5)
    scenes = [segment.draw_nuclei(rng, 160)]
    held_out = (torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32))
    with pytest.raises(ModelError, match="diverged"):
        segment.fit(LiteUNet(1, 4, 1, 3), [], scenes, held_out, 1.0, 1, 1e-3, 1)
