"""What is wrong with a config, in plain words: pydantic's findings become one sentence each."""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Any, get_args

import msgspec
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    Place = tuple[int | str, ...]

_LISTS = frozenset({"light", "channel"})  # written [[light]] in TOML
_NAME = "is made of the letters A to Z and digits, with spaces, '_', '.' and '-' between them"
_WRONG_SHAPE = {
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
}


def lines_of(error: ValidationError, model: type[BaseModel], values: object) -> list[str]:
    """Say in one line each what pydantic complains about.

    Parameters
    ----------
    model
        The class that was to be made.
    values
        What it was made from: it tells the names of lights and channels.
    """
    entries = error.errors(include_url=False)
    places = [entry["loc"] for entry in entries]
    return [
        _line(entry, model, values)
        for entry in entries
        # A list whose only entry is wrong is said to be empty as well: the entry's fault is enough.
        if not (entry["type"] == "too_short" and _has_below(entry["loc"], places))
    ]


def not_finite(values: object, place: Place = ()) -> Iterator[tuple[Place, float]]:
    """Find every NaN and infinity, and where it stands: JSON has no word for them."""
    if isinstance(values, float) and not math.isfinite(values):
        yield place, values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from not_finite(value, (*place, key))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from not_finite(value, (*place, number))


def where(place: Place, values: object) -> str:
    """Say where a key stands, as its writer would: an entry with a name goes by its name.

    pydantic puts the kind of a union into the place ("policy", "snr", "gain"); it is left out.
    """
    text = ""
    for part in place:
        if isinstance(part, int):
            values = values[part] if isinstance(values, list) and part < len(values) else None
            name = values.get("name") if isinstance(values, dict) else None
            text += f" {name!r}" if isinstance(name, str) and name else f".{part}"
            continue
        if isinstance(values, dict) and part not in values and values.get("kind") == part:
            continue
        values = values.get(part) if isinstance(values, dict) else None
        text += f".{part}" if text else part
    return text


def near_miss(key: str, known: set[str]) -> str:
    """Return " (did you mean …?)" for a misspelt key, or what there is to choose from."""
    close = difflib.get_close_matches(key, known, 1, 0.6)
    return f" (did you mean {close[0]!r}?)" if close else f"; known: {', '.join(sorted(known))}"


def near_file(path: Path) -> str:
    """Return " (did you mean …?)" for a misspelt file, if its folder has one of nearly its name."""
    folder = path.parent
    known = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    close = difflib.get_close_matches(path.name, known, 1, 0.7)
    return f" (did you mean {folder / close[0]}?)" if close else ""


def short(value: object) -> str:
    """Return a value as it would be written, cut where it is long."""
    text = msgspec.json.encode(value, enc_hook=str).decode() if value is not None else "nothing"
    return text if len(text) <= 60 else text[:57] + "..."


def rule_of(entry: ErrorDetails) -> str:
    """Return what pydantic asks for: "must be greater than 0"."""
    known = _WRONG_SHAPE.get(entry["type"])
    said = re.sub(r"^(Input|String|Tuple|List) should\b", "must", entry["msg"])
    return known or said.partition(", unable to parse")[0].partition(", got a number with")[0]


def _line(entry: ErrorDetails, model: type[BaseModel], values: object) -> str:
    kind, place, found = entry["type"], entry["loc"], entry["input"]
    text = where(place, values)
    match kind:
        case "extra_forbidden":
            key, known = str(place[-1]), _fields_at(model, place[:-1])
            if len(place) > 1 and key in model.model_fields:
                return f"{text}: {key} stands above the first [table]: a table goes on to the next"
            return f"{text}: unknown key{near_miss(key, known)}"
        case "missing" if isinstance(place[-1], int):
            return f"{where(place[:-1], values)} must have at least {place[-1] + 1} entries"
        case "missing":
            return f"{_header(place) or text} is missing"
        case "too_short" if _header(place):
            return f"{_header(place)} is missing"
        case "tuple_type" if _header(place):
            return f"{text} must be written {_header(place)}, in double brackets"
        case "union_tag_invalid":
            return _none_of(f"{text}.kind", entry["ctx"]["tag"], entry["ctx"]["expected_tags"])
        case "union_tag_not_found":
            return f"{text}.kind is missing: it says which kind of {text} this is"
        case "literal_error" | "enum":
            return _none_of(text, found, entry["ctx"]["expected"])
        case "string_pattern_mismatch":
            return f"{text} {_NAME}, got {short(found)}"
        case "value_error":
            said = entry["msg"].removeprefix("Value error, ")
            return f"{text}: {said}" if text else said
        case _:
            return f"{text or 'this'} {rule_of(entry)}, got {short(found)}{_hint(entry)}"


def _hint(entry: ErrorDetails) -> str:
    """Say what was probably meant: a number in quotes or with its unit, a percentage."""
    kind, place, found = entry["type"], entry["loc"], entry["input"]
    if kind.startswith(("float", "int")) and isinstance(found, str):
        number = re.match(r"\s*([-+]?[0-9.]+)\s*[^0-9.]*$", found)
        return f" (write {number[1]}, without quotes and unit)" if number else ""
    is_fraction = kind.startswith("less_than") and str(place[-1]).endswith(("fraction", "share"))
    if is_fraction and isinstance(found, int | float) and 1 < found <= 100:
        return f" (a fraction: {found:g} % is {found / 100:g})"
    return ""


def _none_of(text: str, found: object, expected: str) -> str:
    """Say that a word is none of those expected, which pydantic quotes: "'a', 'b' or 'c'"."""
    words = re.findall(r"'([^']*)'", expected) or [expected]
    close = difflib.get_close_matches(str(found), words, 1, 0.6)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    name = repr(found) if isinstance(found, str) else short(found)
    return f"{text}: {name} is none of {', '.join(words)}{hint}"


def _header(place: Place) -> str:
    """Return how a table of the top is written in TOML; empty for what stands deeper."""
    if len(place) != 1:
        return ""
    return f"[[{place[0]}]]" if place[0] in _LISTS else f"[{place[0]}]"


def _has_below(place: Place, places: list[Place]) -> bool:
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _fields_at(model: type[BaseModel], location: Place) -> set[str]:
    """Return the fields of the model at a place in the config, following unions by their tag."""
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        if field is None:
            continue
        models = _models_in(field.annotation)
        tags = [str(p) for p in location]
        model = next((m for m in models if _tag(m) in tags), models[0] if models else model)
    return set(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _tag(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return str(get_args(kind.annotation)[0]) if kind is not None else None
