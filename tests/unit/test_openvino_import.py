from __future__ import annotations

import subprocess
import sys

CODE = """
import socket, sys, threading
def refuse(*_):
    raise AssertionError("a connection was asked for")
socket.socket.connect = refuse
from models.engines.openvino_import import import_openvino
import_openvino()
left = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
print(left, [name for name in sys.modules if name.startswith("openvino_telemetry.")])
"""


def test_openvino_reports_to_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[] []"
