"""Small faults that a careless edit could make: each is one change of a file's syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Undo = Callable[[], None]

NEGATED = {
    ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
EDGE = {ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.LtE: ast.Lt, ast.GtE: ast.Gt}
OTHER_WAY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
SILENT = {"say", "logger", "_tell"}  # what is only said, no test has to hear
DROPPED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Break, ast.Continue, ast.Return)


class Mutant(NamedTuple):
    """A file with one fault in it; `name` holds no line number, so that it stays the same."""

    name: str
    function: str  # as in the file: "expose", or "LightGuard.expose"
    line: int
    code: str


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Give every mutant of a file that has functions."""
    tree = ast.parse(text)
    seen: dict[str, int] = {}
    for function, node in _functions(tree):
        for what, line, undo in _faults(node):
            code = ast.unparse(ast.fix_missing_locations(tree))
            undo()
            name = f"{path}: {function}: {what}"
            seen[name] = seen.get(name, 0) + 1
            number = f" #{seen[name]}" if seen[name] > 1 else ""
            yield Mutant(name + number, function, line, code)


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield f"{node.name}.{method.name}", method


def _faults(function: ast.FunctionDef) -> Iterator[tuple[str, int, Undo]]:
    """Make one fault after the other; each is to be undone before the next."""
    for node in _code(function):
        for field in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, field, None), list):
                yield from _drops(block)
        for what, undo in _changes(node):
            yield what, node.lineno, undo


def _code(node: ast.AST) -> Iterator[Any]:
    """Walk what runs and is not merely said: no message, no annotation, no docstring."""
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "args", "decorator_list") and not isinstance(
            node, ast.Call
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_said(child):
                yield from _code(child)


def _is_said(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return True
    if isinstance(node, ast.Expr):
        node = node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return True
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in SILENT


def _drops(block: list[ast.stmt]) -> Iterator[tuple[str, int, Undo]]:
    for place, statement in enumerate(block):
        is_yield = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield)
        is_raise = isinstance(statement, ast.Raise)
        if not isinstance(statement, DROPPED) or is_yield or (_is_said(statement) and not is_raise):
            continue
        block[place] = ast.Pass()

        def undo(place: int = place, statement: ast.stmt = statement) -> None:
            block[place] = statement

        yield f"without {_short(statement)}", statement.lineno, undo


def _changes(node: Any) -> Iterator[tuple[str, Undo]]:
    before = _short(node)
    if isinstance(node, ast.Compare):
        for table in (NEGATED, EDGE):
            if other := table.get(type(node.ops[0])):
                yield _set(node.ops, 0, other(), lambda: f"{before} -> {_short(node)}")
    elif isinstance(node, ast.BoolOp):
        new = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _swap(node, "op", new, before)
    elif isinstance(node, ast.BinOp) and type(node.op) in OTHER_WAY:
        yield _swap(node, "op", OTHER_WAY[type(node.op)](), before)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        old = ast.UnaryOp(node.op, node.operand)
        yield _swap(node, "operand", ast.UnaryOp(ast.Not(), old.operand), before)
    elif isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Compare):
        yield _swap(node, "test", ast.UnaryOp(ast.Not(), node.test), _short(node.test))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield _swap(node, "value", _other(node.value), before)
    elif isinstance(node, ast.Call):
        field = "id" if isinstance(node.func, ast.Name) else "attr"
        is_known = field == "id" or ast.unparse(node.func).startswith("math.")  # no method of ours
        if is_known and (twin := TWINS.get(getattr(node.func, field))):
            _, undo = _swap(node.func, field, twin, "")
            yield f"{before} -> {twin}", undo


def _other(value: float) -> float:
    """Return another value; a million and one would be no other than a million."""
    if isinstance(value, bool):
        return not value
    return value * 2 if isinstance(value, float) and value > 1 else value + 1


def _swap(node: Any, field: str, new: Any, before: str) -> tuple[str, Undo]:
    old = getattr(node, field)
    setattr(node, field, new)
    what = f"{before} -> {_short(node if field != 'test' else node.test)}"

    def undo() -> None:
        setattr(node, field, old)

    return what, undo


def _set(items: list[Any], place: int, new: Any, name: Callable[[], str]) -> tuple[str, Undo]:
    old = items[place]
    items[place] = new

    def undo() -> None:
        items[place] = old

    return name(), undo


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"
