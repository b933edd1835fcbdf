"""Is there an NVIDIA graphics card? Asked of its driver, so that no large library is imported."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from models.errors import EngineUnavailable

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR, cuda.h


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first graphics card.

    Attributes
    ----------
    name, sm
        "NVIDIA H200", its compute capability "9.0".
    driver
        Version of the driver, "580.65.06"; where it does not say, that of its CUDA, "cuda 13000".
    """

    name: str
    sm: str
    driver: str


@lru_cache(maxsize=1)
def find_gpu() -> Gpu:
    """Return the first NVIDIA graphics card.

    Raises
    ------
    EngineUnavailable
        If there is none, or no driver; the message says which.
    """
    if sys.platform == "darwin":
        raise EngineUnavailable("no NVIDIA graphics card: macOS has no driver for one")
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return ask(ctypes.CDLL(library), _driver_version())
    except OSError as err:
        raise EngineUnavailable(f"no NVIDIA driver ({library} is not installed)") from err


def ask(cuda: Any, driver: str) -> Gpu:
    """Ask the driver's library for its first card."""
    _expect(cuda.cuInit(0), "start")
    count, device = ctypes.c_int(), ctypes.c_int()
    _expect(cuda.cuDeviceGetCount(ctypes.byref(count)), "count its cards")
    if count.value < 1:
        raise EngineUnavailable("the NVIDIA driver finds no graphics card")
    _expect(cuda.cuDeviceGet(ctypes.byref(device), 0), "open the first card")
    name = ctypes.create_string_buffer(256)
    _expect(cuda.cuDeviceGetName(name, len(name), device), "name the card")
    parts = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        code = cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        _expect(code, "tell the card's generation")
        parts.append(str(value.value))
    if not driver:
        version = ctypes.c_int()
        _expect(cuda.cuDriverGetVersion(ctypes.byref(version)), "tell its version")
        driver = f"cuda {version.value}"
    return Gpu(name.value.decode(errors="replace"), ".".join(parts), driver)


def _expect(code: int, what: str) -> None:
    if code != 0:
        raise EngineUnavailable(f"the NVIDIA driver cannot {what} (CUDA error {code})")


def _driver_version() -> str:
    """Return the driver's version from its management library; empty where that is missing."""
    try:
        nvml = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    except OSError:
        return ""
    if nvml.nvmlInit_v2() != 0:
        return ""
    text = ctypes.create_string_buffer(96)
    code = nvml.nvmlSystemGetDriverVersion(text, len(text))
    nvml.nvmlShutdown()
    return text.value.decode(errors="replace") if code == 0 else ""
