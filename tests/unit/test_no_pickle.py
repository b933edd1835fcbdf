"""Nothing that comes over a wire or out of a file may become code."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("acquire", "models", "realtime", "gui", "lightloop")
WORDS = {"recv_pyobj", "send_pyobj", "eval", "exec", "add_safe_globals"}
MODULES = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def test_nothing_that_is_received_is_run() -> None:
    found = []
    for path in (file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [n.name for n in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found += [where] * bool({name.split(".")[0] for name in names} & MODULES)
            elif isinstance(node, ast.Call):
                found += [where] * _is_dangerous(node)
    assert found == []


def test_the_linter_forbids_it_too() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert set(ruff["flake8-tidy-imports"]["banned-api"]) >= MODULES
    assert {"S301", "S302", "S307"} <= set(ruff["select"])


def _is_dangerous(call: ast.Call) -> bool:
    """Whether a call could turn bytes into code: a `.eval()` of a network does not."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = {k.arg: k.value for k in call.keywords}
    pickles = given.get("allow_pickle")
    weights = given.get("weights_only")
    return (
        name in WORDS
        or method in {"recv_pyobj", "send_pyobj", "add_safe_globals"}
        or (isinstance(pickles, ast.Constant) and pickles.value is not False)
        or (isinstance(weights, ast.Constant) and weights.value is not True)
    )
