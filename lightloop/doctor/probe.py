"""Looks that may crash or hang: each runs as its own process, so a crash is only a line.

``python -m lightloop.doctor NAME`` prints what one of them found, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

TIMEOUT_S = 30.0
PROBES = {
    "platform": "lightloop.doctor.screen",
    "paint": "lightloop.doctor.screen",
    "snap": "lightloop.doctor.microscope",
    "openvino": "lightloop.doctor.networks",
    "engines": "lightloop.doctor.networks",
    "network": "lightloop.doctor.networks",
}


class ProbeFailed(RuntimeError):
    """A probe crashed, hung or raised; the text is the last thing that it said."""


def ask(name: str, environment: dict[str, str] | None = None) -> Any:
    """Run a probe in a process of its own and return what it found.

    Raises
    ------
    ProbeFailed
        If it crashes, hangs, or raises.
    """
    command = [sys.executable, "-m", "lightloop.doctor", name]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeFailed(f"no answer within {TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        last = said[-1].strip() if said else "it said nothing"
        raise ProbeFailed(f"{last} (exit status {done.returncode})")
    return json.loads(done.stdout.splitlines()[-1])
