"""A disk that fills in mid-run: one sentence, the light off, what was recorded stays readable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.run_file import RunReader
from tests.run_helpers import SMALL

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file there"),
]

# No file of the run may grow beyond this. A ring of 16 frames, half a megabyte, still fits.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
sys.argv = ["lightloop", *sys.argv[1:]]
from lightloop.__main__ import main
if __name__ == "__main__":
    main()
"""


def test_a_full_disk_ends_the_run_in_the_dark_with_one_sentence(tmp_path: Path) -> None:
    config, script, out = tmp_path / "small.toml", tmp_path / "limited.py", tmp_path / "run.h5"
    config.write_text(SMALL.replace("pace_s = 0.01", "pace_s = 0.0\nring_frames = 16"))
    script.write_text(LIMITED)
    done = subprocess.run(
        [sys.executable, str(script), "run", str(config), "--headless", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=240,  # a busy machine; reached only on failure
        check=False,
    )
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("lightloop: ")]
    assert len(said) == 1, done.stderr
    assert "run.h5" in said[0]
    assert "Traceback" not in done.stderr
    assert " complete " not in done.stdout  # the summary's title, where there was time for one
    with RunReader(out) as reader:
        assert reader.status != "complete"  # the last word did not fit on the disk either
        assert len(reader.infos) >= 20
        for info in reader.infos:
            assert reader.pixels(info.seq).shape == (128, 128)
