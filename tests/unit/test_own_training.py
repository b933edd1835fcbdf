"""Teaching a network on a user's recordings, from run file to package. Needs torch."""

from __future__ import annotations

import numpy as np
import pytest
import xxhash

from acquire.calibration import Calibration
from acquire.frame import FrameInfo, Index, Shot
from acquire.settings import Applied, ChannelSettings, Settings
from lightloop.config import ConfigError
from lightloop.learning import material as reading
from lightloop.learning import training
from models.errors import ModelError
from models.package import Package
from realtime.run_file import RunWriter
from realtime.wire import CameraInfo, End, FrameMessage, RingInfo, Start, encode

torch = pytest.importorskip("torch", reason="torch is needed to train, not to run")
pytest.importorskip("onnxscript", reason="onnxscript is needed to write a package")

pytestmark = [pytest.mark.train, pytest.mark.timeout(120)]

SIZE = 64
CALIBRATION = Calibration(2.0, 100.0, 1.4, source="measured", id="cam-1")


def write_run(path, frames=20, fields=1, light=lambda number: 1.0, planes=1):
    """Record noisy discs that do not move; every ``light`` is a factor on their brightness."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIZE, :SIZE]
    disc = 2.0 + 30.0 * (np.hypot(y - 30, x - 34) < 14)
    start = Start(
        f"session-{path.stem}", 0, 0, (CameraInfo("cam", SIZE, SIZE, 0.3, CALIBRATION),),
        RingInfo("", 0, SIZE * SIZE * 2), Settings((ChannelSettings("gfp", 10.0, 1.0),)),
    )  # fmt: skip
    total = frames * fields * planes
    with RunWriter(path, start) as writer:
        for seq in range(total):
            number, z = divmod(seq, planes)
            t, p = divmod(number, fields)
            much = light(t)
            electrons = rng.poisson(disc * much) + 1.4 * rng.standard_normal(disc.shape)
            pixels = np.clip(np.round(100 + 2 * electrons), 0, 65535).astype(np.uint16)
            applied = Applied(
                "gfp", "488", 488.0, 10.0 * much, 10.0 * much, 1.0, 1.0, 1.0, 0.01 * much, True, -1
            )
            info = FrameInfo(
                seq, "cam", seq, seq * 10**7, float(t), Shot(number, p, planes), z,
                Index(t, 0, z, p), SIZE, SIZE, (0.0, 0.0, 0.5 * z), applied,
            )  # fmt: skip
            digest = xxhash.xxh3_64_intdigest(pixels.data)
            writer.frame(FrameMessage(info, 0, 0, pixels.nbytes, digest), pixels)
        writer.document(encode(End(total - 1, total, 0, "complete", "", True, {})))
        writer.close("complete")
    return path


def asked(tmp_path, task="denoise", mode="noise2noise", init="none", **more):
    return training.Asked(
        task, mode, init, tmp_path / "mine", minutes=5.0, steps=more.pop("steps", 3),
        numerical_aperture=0.75, **more,
    )  # fmt: skip


def run_training(wanted, material, on_step=lambda step, share: None):
    init = training.package_to_begin_with(wanted.task, wanted.init)
    checkpoint, goes_on = training.open_work(wanted, material, init)
    sampler, split = training.prepare(wanted, material, init)
    done = training.train(
        wanted, material, sampler, split, init, "lightloop train", checkpoint, on_step
    )
    return (*done, goes_on)


@pytest.fixture(autouse=True)
def small_lessons(monkeypatch):
    """Fewer specimens and images to judge by: what is tested here is not how well it learns."""
    from models.train.own import teach

    for name, value in (
        ("_HELD_OUT_BATCHES", 1), ("_HELD_OUT_SIZE", 2), ("_OLD_BATCHES", 1), ("_OLD_SIZE", 1),
        ("_SCENES", 6), ("_STACKS", 4), ("_BATCH", 1),
    ):  # fmt: skip
        monkeypatch.setattr(teach, name, value)


@pytest.mark.parametrize(
    ("task", "mode"), [("denoise", "paired"), ("superres", "blind-spot"), ("axial", "noise2noise")]
)
def test_a_package_made_from_a_run_opens_and_says_where_it_comes_from(tmp_path, task, mode):
    light = (lambda t: 8.0 if t % 3 == 2 else 1.0) if mode == "paired" else (lambda t: 1.0)
    run = write_run(tmp_path / "run.h5", frames=27, light=light, planes=3 if task == "axial" else 1)
    wanted = asked(tmp_path, task, mode)
    taught, package, _ = run_training(wanted, reading.read_run(run))
    again = Package.load(wanted.out, task=task)
    assert again.manifest == package.manifest
    assert (again.manifest.inverse, again.manifest.target) == ("posterior-mean", "clean")
    assert any("session-run" in source for source in again.manifest.sources)
    card = again.read("card.md").decode()
    assert "cam-1" in card
    assert "over-fit" in card
    assert {"curve.csv", "curve.svg", "scores.json"} <= set(again.manifest.sha256)
    assert again.manifest.tolerance_rms["f32"] <= 1e-3
    assert len(taught.looks) == 1
    assert not training.work_folder(wanted.out).exists()


def test_a_killed_training_leaves_no_package_and_goes_on_where_it_was(tmp_path, monkeypatch):
    from models.train.own import teach

    run = write_run(tmp_path / "run.h5")
    material, wanted = reading.read_run(run), asked(tmp_path, steps=6)
    monkeypatch.setattr("models.train.fit._SAVE_EVERY_S", 0.0)

    def killed(step, share):
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(wanted, material, killed)
    assert not wanted.out.exists()
    steps = []
    taught, package, goes_on = run_training(
        wanted, material, lambda step, share: steps.append(step)
    )
    assert goes_on
    assert steps == [4, 5, 6]  # what came after the last checkpoint is done again
    sampler, split = training.prepare(wanted, material, None)
    whole = teach.teach(teach.Lesson(sampler, split, None, minutes=5.0, steps=6))
    for name, array in package.arrays("weights.npz").items():
        assert np.allclose(array, whole.net.state_dict()[name].numpy(), atol=1e-5)
    assert taught.looks[-1].held_out_nll == pytest.approx(whole.looks[-1].held_out_nll, abs=1e-4)


def test_a_training_with_other_settings_is_not_mixed_up_with_the_broken_off_one(tmp_path):
    material = reading.read_run(write_run(tmp_path / "run.h5"))
    training.open_work(asked(tmp_path), material, None)
    with pytest.raises(ConfigError, match="--fresh"):
        training.open_work(asked(tmp_path, steps=9), material, None)
    training.forget_work(tmp_path / "mine")
    training.open_work(asked(tmp_path, steps=9), material, None)


def test_a_package_that_breaks_while_it_is_written_never_gets_its_name(tmp_path, monkeypatch):
    material, wanted = reading.read_run(write_run(tmp_path / "run.h5")), asked(tmp_path)

    def broken(package):
        raise ModelError("no engine")

    monkeypatch.setattr("models.train.own.finish._prove", broken)
    with pytest.raises(ModelError, match="no engine"):
        run_training(wanted, material)
    assert not wanted.out.exists()
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_slow_beginning_leaves_less_time_to_learn_and_a_quick_one_does_not():
    from models.train.own import teach

    lesson = teach.Lesson(None, None, None, minutes=10.0)  # the split and the sampler are not asked
    assert teach.beyond_overhead_s(lesson, 40.0) == 0.0
    # Three minutes to begin with, three to end with: four minutes of ten are left.
    left_s = teach._plan(lesson).minutes * 60 - teach.beyond_overhead_s(lesson, 180.0)
    assert left_s == pytest.approx(240.0)


def test_a_network_that_forgets_is_mixed_with_the_one_that_it_was(monkeypatch):
    from models.train.own import blend

    first = {"weight": torch.zeros(1)}
    net = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1.0)

    def scores(net, own, old):  # of 1 dB, a quarter of the change may be lost
        weight = float(net.weight.detach())
        return blend.Scores(-weight, 30.0 + weight, 20.0, 40.0 - weight)

    monkeypatch.setattr(blend, "scores_of", scores)
    before = blend.Scores(0.0, 30.0, 20.0, 40.0)
    share, after = blend.blend(net, first, before, [], [])
    assert (share, float(net.weight.detach())) == (0.25, 0.25)
    assert before.old_db - after.old_db <= blend.MAX_LOSS_DB
    monkeypatch.setattr(blend, "_SHARES", (1.0, 0.5))
    with torch.no_grad():
        net.weight.fill_(1.0)
    with pytest.raises(ModelError, match="gained nothing"):
        blend.blend(net, first, before, [], [])


def test_a_long_run_is_thinned_out_in_stretches(tmp_path):
    run = write_run(tmp_path / "run.h5", frames=80)
    whole = reading.read_run(run).takes[0]
    some = reading.read_run(run, room_bytes=2 * SIZE * SIZE * 40).takes[0]
    assert len(whole.frames) == 80
    assert len(some.frames) == 32
    assert np.diff(some.times)[: reading.STRETCH - 1].tolist() == [1] * (reading.STRETCH - 1)
    assert (some.times[0], some.times[-1]) == (0, 79)


def test_an_unknown_channel_is_refused_with_those_that_are_there(tmp_path):
    run = write_run(tmp_path / "run.h5", frames=2)
    with pytest.raises(ConfigError, match="no channel 'rfp', only gfp"):
        reading.read_run(run, "rfp")


def test_the_noise_of_a_stack_is_estimated_and_called_so(tmp_path):
    from lightloop.recordings.camera import given_or_estimated

    rng = np.random.default_rng(0)
    y, x = np.mgrid[:128, :128]
    light = 5.0 + 60.0 * (np.sin(x / 20.0) ** 2) * (np.cos(y / 25.0) ** 2)
    stack = np.round(40 + 3.0 * rng.poisson(np.broadcast_to(light, (12, 128, 128))))
    np.save(tmp_path / "stack.npy", stack.astype(np.uint16))
    given, guess = given_or_estimated(None, None, None)
    material = reading.read_stack(tmp_path / "stack.npy", "", "TYX", 0, given, guess)
    assert "estimated blindly" in material.camera
    assert material.takes[0].camera.gain_adu_per_e == pytest.approx(3.0, rel=0.2)
    known, guess = given_or_estimated(3.0, 40.0, 1.0)
    assert (
        "as given" in reading.read_stack(tmp_path / "stack.npy", "", "TYX", 0, known, guess).camera
    )


def test_averaged_images_make_pairs_of_a_stack(tmp_path):
    from lightloop.recordings.camera import given_or_estimated
    from models.train.own.examples import find_examples

    rng = np.random.default_rng(0)
    light = np.full((9, 96, 96), 6.0) + 20.0 * (np.arange(96) % 32 < 16)
    noisy = [np.round(100 + 2 * (rng.poisson(light) + rng.normal(0, 1.4, light.shape)))
             for _ in range(26)]  # fmt: skip
    np.save(tmp_path / "noisy.npy", noisy[0].astype(np.uint16))
    np.save(tmp_path / "mean.npy", np.round(np.mean(noisy[1:], axis=0)).astype(np.uint16))
    known, guess = given_or_estimated(2.0, 100.0, 1.4)
    stack = reading.read_stack(tmp_path / "noisy.npy", "", "PYX", 0, known, guess)
    material = reading.with_clean(stack, tmp_path / "mean.npy", "", "PYX", 0, 25)
    found = find_examples(material.takes, "denoise", "paired", 1)
    assert len(found) == 9
    assert all(e.gain == pytest.approx(25.0) for e in found)
    bright = material.takes[found[0].target.take]
    assert bright.camera.electrons(bright.frames[0]).mean() == pytest.approx(25 * 16.0, rel=0.05)
    with pytest.raises(ConfigError, match="alike in shape"):
        reading.with_clean(stack, tmp_path / "mean.npy", "", "TYX", 0, 25)
