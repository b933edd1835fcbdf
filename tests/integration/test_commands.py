"""The command line from outside, as a person types it: processes, files and exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def lightloop(*words: str, cwd: Path) -> tuple[str, str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "lightloop", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        cwd=cwd,
        env={**_environment(), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )
    return done.stdout, done.stderr, done.returncode


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_a_demo_is_recorded_inspected_and_decides_the_same_again(tmp_path: Path) -> None:
    out, err, code = lightloop("demo", "--headless", "--frames", "6", "--out", "r.h5", cwd=tmp_path)
    assert code == 0, err
    assert "6 in 6 shots" in out
    assert "dark: read back" in out
    assert "not equal quality" in out

    out, err, code = lightloop("inspect", "r.h5", "--json", cwd=tmp_path)
    assert code == 0, err
    seen = json.loads(out)
    assert (seen["status"], seen["n_frames"], seen["n_gaps"]) == ("complete", 6, 0)
    assert seen["n_decisions"] == 6
    assert seen["dose"]["488"] > 0

    out, err, code = lightloop("replay", "r.h5", "--verify", "--headless", cwd=tmp_path)
    assert code == 0, err
    assert "6 decisions are equal to the recorded ones" in out
    assert list(tmp_path.iterdir()) == [tmp_path / "r.h5"], "nothing else is left"


def test_pictures_from_elsewhere_are_replayed_through_the_same_worker(tmp_path: Path) -> None:
    y, x = np.mgrid[:96, :96]
    spots = np.exp(-((y - 48) ** 2 + (x - 40) ** 2) / 60) + np.exp(
        -((y - 20) ** 2 + (x - 70) ** 2) / 60
    )
    film = np.random.default_rng(3).poisson(10 + 80 * spots, (5, 96, 96)).astype(np.uint16)
    np.save(tmp_path / "film.npy", film)
    words = [
        "--axes",
        "TYX",
        "--pixel-um",
        "0.3",
        "--interval-s",
        "60",
        "--exposure-ms",
        "20",
        "--out",
        "f.h5",
    ]
    out, err, code = lightloop("import", "film.npy", *words, cwd=tmp_path)
    assert code == 0, err
    assert "camera, estimated from the images" in out
    assert "photons, SNR and trust rest on it" in err
    out, err, code = lightloop("replay", "f.h5", "--headless", "--out", "again.h5", cwd=tmp_path)
    assert code == 0, err
    assert "5 in 5 shots" in out
    out, err, code = lightloop("inspect", "again.h5", cwd=tmp_path)
    assert code == 0, err
    assert "replay of f.h5" in out


def test_help_comes_at_once(tmp_path: Path) -> None:
    lightloop("--help", cwd=tmp_path)  # the first one may still have to compile
    best_s = 99.0
    for _ in range(3):
        start_s = worked_s()
        assert lightloop("--help", cwd=tmp_path)[2] == 0
        best_s = min(best_s, worked_s() - start_s)
    assert best_s < 3.0, "a bar on a slow machine; it takes 0.3 s on a quick one"


def worked_s() -> float:
    """Return the processor time of the programs started so far: others' work is not in it."""
    times = os.times()
    if sys.platform == "win32":  # it does not tell that of children
        return times.elapsed
    return times.children_user + times.children_system


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "bad.toml"], 2, "lightloop: bad.toml: "),
        (["run", "bad.toml", "--headless"], 2, "lightloop: bad.toml: "),
        (["replay", "foreign.h5", "--headless"], 1, "lightloop: "),
        (["replay", "cut.h5", "--headless"], 1, "lightloop: "),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    import h5py

    (tmp_path / "bad.toml").write_text("[scope]\nkind = 3\n", "utf-8")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["data"] = np.zeros(3)
    (tmp_path / "cut.h5").write_bytes((tmp_path / "foreign.h5").read_bytes()[:600])
    out, err, found = lightloop(*words, cwd=tmp_path)
    assert found == code
    assert err.startswith(said), err
    assert "Traceback" not in err
    assert out == ""


def test_a_missing_network_is_one_sentence_and_gives_no_light(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "demo.toml").read_text("utf-8")
    (tmp_path / "c.toml").write_text(f'{text}\n[network]\ndenoise = "denoise-9d"\n', "utf-8")
    out, err, code = lightloop("run", "c.toml", "--headless", "--frames", "3", cwd=tmp_path)
    assert code == 2
    assert err.startswith("lightloop: c.toml: network.denoise: ")
    assert "Traceback" not in err
    assert out == ""
