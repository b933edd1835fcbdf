"""From an uncalibrated microscope to doses with units: measured, named, checked, run, recorded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import psutil
import pytest

from acquire.calibrating.calibration_files import load_camera, load_maps, names
from lightloop.calibrate.calibrations import FOLDER_VARIABLE
from realtime.run_file import RunReader
from tests.integration.test_commands import ROOT, lightloop

SLIDE = files("configs").joinpath("calibration.toml").read_text("utf-8")
SMALL = SLIDE.replace("n_cells = 0", "n_cells = 0\nheight = 160\nwidth = 160")
DEMO = files("configs").joinpath("demo.toml").read_text("utf-8")
DARK_E = 0.2  # the simulated chip's background without light: no mean can tell it from offset


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "calibrations"))
    return tmp_path / "calibrations"


def write(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return path.name


def test_a_camera_and_a_light_are_measured_and_a_run_refers_to_both(
    tmp_path: Path, folder: Path
) -> None:
    config = write(tmp_path / "slide.toml", SMALL)
    out, err, code = lightloop(
        "calibrate", "camera", config, "-y", "--page", "plot.html", cwd=tmp_path
    )
    assert code == 0, err
    assert (tmp_path / "plot.html").read_text("utf-8").count("<svg") == 2
    (camera,) = names(folder)
    assert f'calibration = "{camera}"' in out
    assert "NOT TRUSTED" not in out
    found, _ = load_camera(folder, camera)
    numbers = found.numbers
    assert numbers.gain_adu_per_e == pytest.approx(2.0, rel=0.01)
    assert numbers.offset_adu / 2.0 - 50.0 == pytest.approx(DARK_E, abs=0.05)
    assert numbers.read_noise_e == pytest.approx(1.6, rel=0.05)
    offset_e = load_maps(folder, camera).offset_adu / 2.0 - 50.0 - DARK_E
    assert float(np.sqrt(np.mean(offset_e**2))) <= 0.2

    truth_mw = np.interp([20, 40, 60, 80, 100], [0, 100], [0, 1.3845])
    readings = "\n".join(f"{mw + 0.01:.4f}" for mw in [0, *truth_mw, *truth_mw[::-1], 0])
    words = ("calibrate", "power", config, "--lit-area-um2", "27690", "--steps", "5", "-y")
    done = subprocess.run(
        [sys.executable, "-m", "lightloop", *words, "--hold-s", "0.02"],
        input=readings + "\n",
        capture_output=True,
        text=True,
        timeout=100,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    (power,) = set(names(folder)) - {camera}

    text = 'objective = "20x/0.75"\n' + DEMO.replace(
        "seed = 1", "seed = 1\nheight = 160\nwidth = 160"
    )
    text = re.sub(r"\[camera\](.*\n)+?\n", f'[camera]\ncalibration = "{camera}"\n\n', text)
    text = re.sub(r"power_mw_at_maximum.*\n", f'calibration = "{power}"\n', text)
    config = write(tmp_path / "mine.toml", re.sub(r"lit_area_um2.*\n", "", text))
    out, err, code = lightloop("check", config, cwd=tmp_path)
    assert code == 0, err
    assert camera in out
    assert power in out
    out, err, code = lightloop(
        "run", config, "--headless", "--frames", "3", "--out", "r.h5", cwd=tmp_path
    )
    assert code == 0, err
    assert "J/cm2" in out
    with RunReader(tmp_path / "r.h5") as run:
        assert set(run.start.calibrations) == {camera, power}
        known = run.start.cameras[0].calibration
        assert (known.id, known.sha256) == (camera, run.start.calibrations[camera])
        assert known.gain_adu_per_e == numbers.gain_adu_per_e
        applied = run.infos[0].applied
        assert applied.calibrated
        assert applied.irradiance_w_cm2 == pytest.approx(5.0 * applied.power_fraction, rel=0.02)

    other = text.replace('"20x/0.75"', '"40x/1.3"')
    other = re.sub(r"lit_area_um2.*\n", "", other)
    out, err, code = lightloop("check", write(tmp_path / "other.toml", other), cwd=tmp_path)
    assert code == 2
    assert "measured behind objective '20x/0.75', and the config says objective = '40x/1.3'" in err


@pytest.mark.skipif(os.name == "nt", reason="these signals cannot be sent to one process there")
@pytest.mark.parametrize(("how", "status"), [("SIGINT", 130), ("SIGKILL", -9)])
def test_a_calibration_that_is_ended_stores_nothing_and_leaves_nobody(
    tmp_path: Path, folder: Path, how: str, status: int
) -> None:
    config = write(tmp_path / "slide.toml", SMALL)
    measuring = subprocess.Popen(
        [sys.executable, "-m", "lightloop", "calibrate", "camera", config, "-y"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert measuring.stderr is not None
    with measuring:
        for line in measuring.stderr:
            if "4 ms:" in line:  # light is on now and then
                family = psutil.Process(measuring.pid).children(recursive=True)
                measuring.send_signal(getattr(signal, how))
                break
        said = measuring.stderr.read()
        assert measuring.wait(60) == status, said
    assert how == "SIGKILL" or "interrupted" in said
    gone, alive = psutil.wait_procs(family, 10)
    assert not [child for child in alive if "resource_tracker" not in " ".join(child.cmdline())]
    assert gone
    assert not folder.exists()
