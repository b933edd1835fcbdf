"""Where a limit was set, in words: whoever is refused must find the line to look at."""

from __future__ import annotations


def limits_of(light: str, config: str) -> str:
    """Name the limits of a light: "limits of [[light]] '488' in demo.toml"."""
    return table(f"limits of [[light]] {light!r}", config)


def table(name: str, config: str) -> str:
    """Name a table of the config, and its file where that is known: "[guard] in demo.toml"."""
    return f"{name} in {config}" if config else name
