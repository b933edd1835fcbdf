"""What was probably meant where a line is not TOML: the slips of who writes it by hand."""

from __future__ import annotations

import re

_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_VALUE = re.compile(r"^\s*[\w.\"-]+\s*=\s*(?P<value>[^#]*?)\s*(#.*)?$")
_SLIPS = (
    (re.compile(r"[-+]?\d+,\d+"), "a number has a point, not a comma"),
    (re.compile(r".*,"), "there is no comma at the end of a line"),
    (re.compile(r"True|False"), "write true or false, in small letters"),
    (
        re.compile(r"[-+]?[\d.]+\s*(%|[a-zA-Z]\S*)"),
        "a number stands alone, its unit is in the name",
    ),
    (re.compile(r"[^\W\d][\w .-]*"), "a word stands in double quotes"),
    (re.compile(r""), "a value is missing after the ="),
)


def with_line(said: str, text: str) -> str:
    """Return what the parser said of a text, with the line that it means and what was meant.

    >>> with_line("Invalid value (at line 1, column 8)", "name = GFP")
    'line 1, name = GFP: a word stands in double quotes'
    """
    found = _LINE.search(said)
    lines = text.splitlines()
    if found is None or not 0 < int(found[1]) <= len(lines):
        return said
    line = lines[int(found[1]) - 1].strip()
    value = _VALUE.match(line)
    meant = None if value is None else _meant(value["value"])
    if value is not None and meant is not None:
        line = line[: value.end("value")]  # without what is remarked behind it
    return f"line {found[1]}, {line}: {meant or said.removesuffix(found[0]).strip()}"


def _meant(value: str) -> str | None:
    return next((hint for slip, hint in _SLIPS if slip.fullmatch(value)), None)
