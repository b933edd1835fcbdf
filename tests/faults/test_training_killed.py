"""A training that is killed in the middle leaves nothing half done, and goes on by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.package import Package

pytest.importorskip("torch", reason="torch is needed to train, not to run")
pytest.importorskip("onnxscript", reason="onnxscript is needed to write a package")

from tests.unit.test_own_training import write_run

STEPS, PATIENCE_S = 30, 240.0


@pytest.mark.slow
@pytest.mark.train
@pytest.mark.timeout(600)
def test_a_training_that_is_killed_after_a_checkpoint_goes_on_to_a_package(tmp_path: Path) -> None:
    run, out = write_run(tmp_path / "run.h5"), tmp_path / "mine"
    command = [
        sys.executable, "-m", "lightloop", "train", "denoise", "--from", str(run), "--mode",
        "noise2noise", "--init", "none", "--steps", str(STEPS), "--save-every", "0", "--out",
        str(out),
    ]  # fmt: skip
    checkpoint = tmp_path / "mine.training" / "checkpoint.npz"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as first:
        for _ in range(int(PATIENCE_S / 0.05)):
            try:
                first.wait(0.05)
            except subprocess.TimeoutExpired:
                if checkpoint.exists():
                    break
            else:
                break
        first.kill()  # SIGKILL; nothing of it may tidy up
        assert first.stdout is not None
        said = first.stdout.read().decode()
    assert first.returncode != 0, said
    assert checkpoint.exists(), said
    assert not out.exists()
    again = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert again.returncode == 0, again.stderr
    assert "going on with the training that was broken off" in again.stdout
    assert f"{STEPS} steps" in again.stdout
    assert Package.load(out, task="denoise").manifest.version == "own-1"
    assert not checkpoint.parent.exists()
    assert not list(tmp_path.glob("*.unfinished"))
