"""The texts of a run file: what was configured, planned and used, each with a sum of its own."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from typing import TYPE_CHECKING

import h5py
import numpy as np
import xxhash

if TYPE_CHECKING:
    from realtime.wire import Start

TEXTS = ("config", "plan", "software", "devices", "calibrations", "models")
TEXT_SUMS = "texts_xxh3"


def write_texts(entry: h5py.Group, start: Start) -> None:
    """Write every text of a start into the entry, and their sums beside them."""
    texts = dict(zip(TEXTS, _texts(start), strict=True))
    for name, text in texts.items():
        entry[name] = text
    entry.attrs[TEXT_SUMS] = np.array([text_sum(text) for text in texts.values()], "<u8")


def text_sum(text: str) -> int:
    """Return the sum of one of the texts."""
    return xxhash.xxh3_64_intdigest(text.encode())


def _texts(start: Start) -> tuple[str, ...]:
    return (
        start.config_toml,
        start.plan_json,
        json.dumps(_software(start)),
        json.dumps(start.devices),
        json.dumps(start.calibrations),
        json.dumps(start.models),
    )


def _software(start: Start) -> dict[str, str]:
    names = ("lightloop", "numpy", "h5py", "hdf5plugin", "blosc2", "msgspec")
    found = {name: metadata.version(name) for name in names if _is_installed(name)}
    return {
        "program": start.software,
        "origin": start.origin,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hdf5": h5py.version.hdf5_version,
        **found,
    }


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
