"""A processor that knows no bfloat16: the next precision is taken. Each look is its own process."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

pytest.importorskip("openvino")
pytest.importorskip("onnxruntime")

LOOK = """
import json
from models.engines import open_engine
from models.package import Package, shipped
from models.engines.eight_bits import make_int8
package = Package.load(shipped("denoise-2d"))
found = []
for has_int8 in (False, True):
    if has_int8:
        make_int8(package)
    engine = open_engine(package, (64, 64), "openvino")
    found.append([engine.precision, engine.parity_rms])
    engine.close()
print(json.dumps(found))
"""


@pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="AVX2 is of x86 processors"
)
def test_a_processor_limited_to_avx2_falls_to_int8_or_f32(tmp_path) -> None:
    environment = {
        **os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "XDG_CACHE_HOME": str(tmp_path),
        "LOCALAPPDATA": str(tmp_path),
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr
    (plain, plain_rms), (small, small_rms) = json.loads(run.stdout.splitlines()[-1])
    assert plain in ("f32", "int8")  # int8 where the package brings it
    assert small == "int8"
    assert plain_rms < 0.1
    assert small_rms < 0.1
