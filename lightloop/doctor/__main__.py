"""One probe in a process of its own; `lightloop.doctor.probe.ask` starts it."""

from __future__ import annotations

import importlib
import json
import sys

from lightloop.doctor.probe import PROBES


def main(name: str) -> None:
    """Print what a probe finds, as JSON on the last line."""
    found = getattr(importlib.import_module(PROBES[name]), f"probe_{name}")()
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
