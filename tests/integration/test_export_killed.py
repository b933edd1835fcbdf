"""An export that is killed at any time leaves nothing half done under a final name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.export import Wanted, export_run
from realtime.export.whole import DRAFT
from realtime.run_file import RunReader
from tests.unit.export_samples import write_cells, write_film
from tests.unit.test_export_cells import DIVISION

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from realtime.export import Wanted, export_run
from realtime.run_file import RunReader

def show(done, total):
    if done and done >= float(sys.argv[4]) * total:
        print("here", flush=True)
        sys.stdin.readline()  # never comes

if __name__ == "__main__":
    run = Path(sys.argv[1])
    words = lambda text: tuple(text.split(",")) if text else ()
    with RunReader(run) as reader:
        export_run(reader, Wanted(words(sys.argv[2]), words(sys.argv[3])), run.parent, "run",
                   show=show)
    print("finished", flush=True)
"""


@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize(
    ("images", "tracks"),
    [("ome-zarr", ""), ("ome-tiff", ""), ("tiff", ""), ("gzip-h5", ""), ("", "ctc"), ("", "csv")],
)
def test_a_killed_export_leaves_no_half_file_and_the_next_one_is_whole(
    tmp_path: Path, images: str, tracks: str, share: float
) -> None:
    if images == "ome-zarr":
        pytest.importorskip("ome_writers", reason="the extra export is not installed")
    run = tmp_path / "run.h5"
    if tracks:
        write_cells(run, DIVISION)
    else:
        write_film(run, n_t=4, n_c=2)
    words = [sys.executable, "-c", SCRIPT, str(run), images, tracks, str(share)]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        child.kill()
        child.wait()
    left = {path.name for path in tmp_path.iterdir()} - {"run.h5"}
    assert all(name.endswith(DRAFT) for name in left), left
    with RunReader(run) as reader:
        wanted = Wanted((images,) if images else (), (tracks,) if tracks else ())
        made = export_run(reader, wanted, tmp_path, "run")
    assert {path.name for path in tmp_path.iterdir()} == {"run.h5", *(path.name for path in made)}
