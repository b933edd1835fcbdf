"""The JSON schema of a run config, for editors: what stands under each field becomes its tooltip.

pydantic can read those words itself (`use_attribute_docstrings`), but it does so whenever a class
is made: every process then read the sources of all these classes at its start, 0.07 s of processor
each. So they are read here alone, when a schema is asked for.
"""

from __future__ import annotations

import ast
import inspect
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from lightloop.config.run import RunConfig

if TYPE_CHECKING:
    from collections.abc import Iterator


def schema() -> str:
    """Return the JSON schema of a run config, for editors."""
    found = RunConfig.model_json_schema()
    parts = {RunConfig.__name__: found, **found["$defs"]}
    for model in models_in(RunConfig):
        words = words_of(model)
        fields = parts[model.__name__]["properties"]
        for name in fields.keys() & words.keys():
            fields[name] = dict(sorted({**fields[name], "description": words[name]}.items()))
    return json.dumps(found, indent=2) + "\n"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield each model of a config, with those in it; one that stands twice comes twice."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for part in get_args(annotation):
        yield from models_in(part)


def words_of(model: type[BaseModel]) -> dict[str, str]:
    """Return what stands under each field of a model, or under that which it inherits."""
    words: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            (definition,) = ast.parse(inspect.getsource(cls)).body
            assert isinstance(definition, ast.ClassDef)
            words |= _words_in(definition)
    return words


def _words_in(definition: ast.ClassDef) -> dict[str, str]:
    words = {}
    for field, after in pairwise(definition.body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            words[field.target.id] = inspect.cleandoc(str(after.value.value))
    return words
