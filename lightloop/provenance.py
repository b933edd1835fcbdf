"""What the numbers of a run depend on besides its config: networks and processor."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from lightloop.build.pipeline import load_package

if TYPE_CHECKING:
    from lightloop.config import RunConfig
    from models.package import Package

CPU_INFO = Path("/proc/cpuinfo")  # Linux's platform.processor() says x86_64, or nothing


def networks(config: RunConfig) -> dict[str, str]:
    """Return each network of a config, and the sha256 of its manifest.

    The manifest has the sha256 of every other file of the package, and they were just compared.

    Raises
    ------
    ModelError
        If a network is missing or damaged.
    """
    wanted = config.network
    named = {"denoise": wanted.denoise, "superres": wanted.superres, "axial": wanted.axial}
    packages = [load_package(name, task) for task, name in named.items() if name]
    return {package.model_id: _sha256_of_manifest(package) for package in packages}


def _sha256_of_manifest(package: Package) -> str:
    from models.package import MANIFEST

    return hashlib.sha256((package.folder / MANIFEST).read_bytes()).hexdigest()


def processor() -> str:
    """Return what the networks are computed on, such as "Intel(R) Xeon(R) Gold 6430"."""
    try:
        text = CPU_INFO.read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()
