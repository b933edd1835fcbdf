"""Write what a package says of itself, and the sum of each of its files. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from models.package import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from models.manifest import Manifest


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest with the sha256 of every other file in the folder."""
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != MANIFEST
    }
    values: dict[str, Any] = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    values |= {"limits": asdict(manifest.limits), "sha256": sums}
    plain = {k: v for k, v in values.items() if not isinstance(v, dict)}
    tables = {k: v for k, v in values.items() if isinstance(v, dict)}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for table, content in tables.items():
        lines += ["", f"[{table}]", *(f'"{key}" = {_toml(v)}' for key, v in content.items())]
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _toml(value: Any) -> str:
    """Write a string, number or list; JSON's are TOML's too."""
    if isinstance(value, tuple):
        return "[" + "".join(f"\n    {_toml(item)}," for item in value) + "\n]"
    return json.dumps(value)
