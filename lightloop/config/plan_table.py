"""The [plan] of a config: a useq-schema sequence, or one plain sentence about what is wrong."""

from __future__ import annotations

import warnings
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from acquire.plan.rules import objections
from lightloop.config.complaints import near_miss, rule_of, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import useq
    from pydantic_core import ErrorDetails

_TIMES = frozenset({"interval", "duration"})
_UNITS = frozenset({"weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds"})
_MOST = 1e9  # of any unit of time; 1e9 s are 32 years, and useq's own type ends at 1e9 days


def read_plan(plan: Mapping[str, Any], channels: Sequence[Mapping[str, Any]]) -> useq.MDASequence:
    """Return the sequence that a [plan] describes, with the config's channels in it.

    Raises
    ------
    ValueError
        With one plain sentence for each key that is wrong.
    """
    import useq  # here: who takes no image need not load it

    known = set(useq.MDASequence.model_fields) - {"channels", "uid"}
    for key in plan:
        if key not in known:
            raise ValueError(f"plan.{key} is not a field of a plan{near_miss(key, known)}")
    if wrong := list(_wrong_times(plan, "plan")):
        raise ValueError("; ".join(wrong))
    try:
        with warnings.catch_warnings(record=True) as caught:  # what useq would ignore, we refuse
            warnings.simplefilter("always")
            sequence = useq.MDASequence.model_validate({**plan, "channels": channels})
        next(iter(sequence.time_plan or ()), None)
    except ValidationError as error:
        entries = error.errors(include_url=False)
        groups = groupby(entries, key=lambda entry: entry["loc"][:1])
        said = "; ".join(_sentence(list(group)) for _, group in groups)
        raise ValueError(said) from error
    except ZeroDivisionError as error:
        raise ValueError("plan.time_plan: an interval of 0 s never fills a duration") from error
    except (TypeError, OverflowError, AttributeError) as error:  # useq's own converters raise them
        raise ValueError(f"plan is not understood: {error}") from error
    wrong = list(_unknown_keys(plan, sequence, "plan"))
    wrong += [_warned(str(one.message)) for one in caught if one.category is UserWarning]
    wrong += [f"plan.{said}" for said in objections(sequence)]
    if wrong:
        raise ValueError("; ".join(wrong))
    return sequence


def _warned(message: str) -> str:
    """Make one sentence of what useq would only warn of."""
    first = message.partition(". ")[0]
    return f"plan: {first}: useq would ignore it, so take it out"


def _unknown_keys(value: object, built: object, place: str) -> Iterator[str]:
    """Compare what was written with what useq made of it: it leaves out keys that it does not know.

    A place with a misspelt coordinate would be another place, and be lit.
    """
    if isinstance(value, dict) and isinstance(built, BaseModel):
        known = set(type(built).model_fields)
        for key, part in value.items():
            if key in known:
                yield from _unknown_keys(part, getattr(built, key), f"{place}.{key}")
            else:
                yield f"{place}: unknown key {key!r}{near_miss(key, known)}"
    elif isinstance(value, list) and isinstance(built, list | tuple):
        for number, (part, made) in enumerate(zip(value, built, strict=False)):
            yield from _unknown_keys(part, made, f"{place}.{number}")


def _wrong_times(value: object, place: str) -> Iterator[str]:
    """Look at every length of time before useq, whose converter lets Python's own errors out."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from _wrong_times(part, f"{place}.{number}")
    if not isinstance(value, dict):
        return
    for key, part in value.items():
        here = f"{place}.{key}"
        if key not in _TIMES or not isinstance(part, dict):
            yield from _wrong_times(part, here)
            continue
        for unit, number in part.items():
            if unit not in _UNITS:
                yield f"{here}: unknown unit {unit!r}{near_miss(unit, set(_UNITS))}"
            elif isinstance(number, bool) or not isinstance(number, int | float):
                yield f"{here}.{unit} must be a number, got {short(number)}"
            elif not -_MOST < number < _MOST:
                yield f"{here}.{unit} must be less than {_MOST:g}, got {short(number)}"


def _sentence(entries: list[ErrorDetails]) -> str:
    """Say what is wrong with one key of the plan.

    useq tries every kind of plan in turn, and each says what it misses. The kind that was meant is
    the one that misses least and knows most of the keys that are there.
    """
    kinds: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for entry in entries:
        kinds.setdefault(_kinds_in(entry), []).append(entry)
    costs = {kind: _cost(kind, found) for kind, found in kinds.items()}
    least = min(costs.values())
    best = [kinds[kind] for kind, cost in costs.items() if cost == least]
    first = best[0][0]
    place = _place(first)
    if first["type"] == "missing":
        table = place.rpartition(".")[0]
        known = {key for kind in kinds for key in _fields(kind)}
        for key in first["input"]:
            if known and key not in known:
                return f"{table}: unknown key {key!r}{near_miss(key, known)}"
        needs = [" and ".join(str(e["loc"][-1]) for e in found) for found in best]
        return f"{table} needs {' or '.join(dict.fromkeys(needs))} as well"
    got = short(first["input"])
    if first["type"].startswith("time_delta"):
        return f"{place} must be a length of time such as {{ seconds = 10 }}, got {got}"
    if "iterate over axes" in first["msg"]:
        return f"{place} must be made of the letters t, p, g, c and z, got {got}"
    if first["type"] == "value_error":
        said = first["msg"].removeprefix("Value error, ")
        if said.endswith("to Position"):
            return f"{place} must be tables such as {{ x = 0, y = 0 }}, in um, got {got}"
        is_plain = not any(sign in said for sign in "<[_")
        return f"{place}: {said}, got {got}" if is_plain else f"{place} is not understood: {got}"
    return f"{place} {rule_of(first)}, got {got}"


def _kinds_in(entry: ErrorDetails) -> tuple[str, ...]:
    """Return the classes in a place: pydantic puts those that it tried among the keys."""
    return tuple(part for part in entry["loc"] if isinstance(part, str) and part[:1].isupper())


def _place(entry: ErrorDetails) -> str:
    kinds = _kinds_in(entry)
    return ".".join(["plan", *(str(part) for part in entry["loc"] if part not in kinds)])


def _cost(kind: tuple[str, ...], entries: list[ErrorDetails]) -> tuple[int, int]:
    """Return how many keys a kind misses, and how many there are that it does not know."""
    missing = [entry for entry in entries if entry["type"] == "missing"]
    given = set(missing[0]["input"]) if missing else set()
    return len(missing), len(given - _fields(kind))


def _fields(kind: tuple[str, ...]) -> set[str]:
    import useq

    cls = getattr(useq, kind[-1], None) if kind else None
    return set(getattr(cls, "model_fields", ()))
