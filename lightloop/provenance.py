"""What the numbers of a run depend on besides its config: networks and processor."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.build import load_package

if TYPE_CHECKING:
    from lightloop.config import RunConfig

CPU_INFO = Path("/proc/cpuinfo")  # Linux's platform.processor() says x86_64, or nothing


def networks(config: RunConfig) -> dict[str, str]:
    """Return each network of a config, and the sha256 of its manifest.

    The manifest has the sha256 of every other file of the package, and they were just compared.

    Raises
    ------
    ModelError
        If the network is missing or damaged.
    """
    if not config.network.denoise:
        return {}
    from models.package import MANIFEST

    package = load_package(config.network.denoise)
    manifest = (package.folder / MANIFEST).read_bytes()
    return {package.model_id: hashlib.sha256(manifest).hexdigest()}


def processor() -> str:
    """Return what the networks are computed on, such as "Intel(R) Xeon(R) Gold 6430"."""
    try:
        text = CPU_INFO.read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()
