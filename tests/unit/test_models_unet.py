"""The network itself, and that training learns. Needs torch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is needed to train, not to run")
pytestmark = pytest.mark.train


def test_it_has_the_stated_number_of_parameters() -> None:
    from models.unet import LiteUNet, count_parameters

    assert count_parameters(LiteUNet()) == 117_304


@pytest.mark.parametrize("in_frames", [1, 5])
def test_it_keeps_the_size_and_gives_two_channels(in_frames) -> None:
    from models.unet import LiteUNet

    out = LiteUNet(in_frames)(torch.zeros(2, in_frames, 24, 40))
    assert out.shape == (2, 2, 24, 40)


def test_untrained_it_changes_next_to_nothing() -> None:
    from models.unet import LiteUNet

    assert LiteUNet()(torch.randn(1, 1, 64, 64)).abs().mean() < 0.1


def test_a_few_steps_of_training_beat_the_noisy_image() -> None:
    from models.train.denoise import Plan, fit, simulated_specimens

    plan = Plan(steps=60, batch=2, check_every=30, threads=1)
    _, looks = fit(plan, simulated_specimens(1, 8), simulated_specimens(2, 4))
    assert looks[-1].held_out_psnr_db > looks[-1].noisy_psnr_db + 3


def test_a_new_package_passes_its_own_gate(tmp_path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is needed to export")
    from models import Package, open_engine
    from models.train.pack import pack
    from models.unet import LiteUNet

    net = LiteUNet()
    torch.nn.init.normal_(net.head.weight, 0, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        pack(tmp_path / "new", net, [], "new", "a test", [])
    package = Package.load(tmp_path / "new", task="denoise")
    for name in ("openvino", "torch"):
        engine = open_engine(package, (64, 64), name, "f32")
        assert engine.parity_rms < 1e-4
        engine.close()


def test_simulated_specimens_are_the_same_for_one_seed() -> None:
    from models.train.denoise import simulated_specimens

    for first, second in zip(simulated_specimens(3, 4), simulated_specimens(3, 4), strict=True):
        assert np.array_equal(first, second)
