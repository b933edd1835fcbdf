"""The one import of OpenVINO, without its telemetry.

`import openvino` (2025.3 to 2026.4) reports itself to its maker over the network, from a thread, if
nobody forbade it on this machine. A microscope's computer talks to nobody: the reporter is made
impossible to import, for which OpenVINO has a stub of its own.
"""

from __future__ import annotations

import sys
from typing import Any

REPORTER = "openvino_telemetry"


def import_openvino() -> Any:
    """Return the module, silent.

    Raises
    ------
    ImportError, OSError
        If OpenVINO is not installed, or its libraries do not load.
    """
    if REPORTER not in sys.modules:
        sys.modules[REPORTER] = None  # type: ignore[assignment]  # an import of it now fails
    import openvino

    return openvino
