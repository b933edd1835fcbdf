"""A face is a docstring, re-exports and ``__all__``; importing it needs no driver and no GPU."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("lightloop", "gui", "realtime", "acquire", "models")
FACES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for floor in (*FLOORS, "configs")
    for path in (ROOT / floor).rglob("__init__.py")
)
HEAVY = (
    "pymmcore", "pymmcore_plus", "torch", "tensorrt", "openvino", "onnxruntime", "qtpy",
    "PySide6", "pyqtgraph", "blosc2",
)  # fmt: skip
BANNED = {"pickle", "cPickle", "dill", "shelve", "marshal"}
WITHOUT_PLAN = ("keeper", "light", "recorder", "window")  # they take no image
BELOW = {  # floor -> the floors that it may import
    "lightloop": {"lightloop", "gui", "realtime", "acquire", "models", "configs"},
    "gui": {"gui", "realtime", "acquire", "models"},
    "realtime": {"realtime", "acquire", "models"},
    "acquire": {"acquire"},
    "models": {"models"},
}


def sources(floor: str) -> list[Path]:
    return sorted((ROOT / floor).rglob("*.py"))


def imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("floor", FLOORS)
def test_every_room_has_a_face(floor: str) -> None:
    rooms = {path.parent for path in sources(floor)}
    assert not [room for room in rooms if not room.joinpath("__init__.py").is_file()]


@pytest.mark.skipif(
    not ROOT.joinpath(".git").exists() or shutil.which("git") is None,
    reason="only a checkout can be asked, and by git",
)
def test_no_line_of_gitignore_hides_a_file_from_the_package() -> None:
    # What git ignores, hatchling leaves out of the wheel, even where git tracks it.
    git = ["git", "-c", "safe.directory=*"]  # a checkout of another user's may be asked, too
    asked = [*git, "ls-files", "--cached", "--ignored", "--exclude-standard", "--", *FLOORS]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == ""


@pytest.mark.parametrize("name", FACES)
def test_a_face_defines_nothing(name: str) -> None:
    text = ROOT.joinpath(*name.split("."), "__init__.py").read_text("utf-8")
    docstring, *rest = ast.parse(text).body
    assert isinstance(docstring, ast.Expr)
    assert len(ast.get_docstring(ast.parse(text)) or "") > 10, "say what is behind the face"
    assert all(isinstance(node, ast.ImportFrom | ast.Assign) for node in rest)
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("name", [face for face in FACES if not face.startswith("gui")])
def test_all_is_what_is_imported(name: str) -> None:
    module = importlib.import_module(name)
    text = ROOT.joinpath(*name.split("."), "__init__.py").read_text("utf-8")
    tree = ast.parse(text).body
    named = {
        alias.asname or alias.name
        for node in tree
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert named == set(getattr(module, "__all__", ()))
    assert not any(isinstance(getattr(module, n), ModuleType) for n in named)


def test_importing_the_faces_imports_nothing_heavy() -> None:
    code = f"import sys, {', '.join(FLOORS)}; print(sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "who", ["processes.keeper", "processes.light", "processes.scope", "supervision.supervisor"]
)
def test_who_holds_the_light_loads_nothing_that_looks_at_images(who: str) -> None:
    looks = ("cv2", "scipy", "h5py", "tifffile", "openvino", "torch", "rich", "qtpy")
    code = f"""import sys, lightloop.{who}; print(sorted(set({looks}) & set(sys.modules)))"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_who_takes_no_image_need_not_know_what_a_plan_means() -> None:
    who = ", ".join(f"lightloop.processes.{name}" for name in WITHOUT_PLAN)
    code = f"""if True:
        import sys, {who}
        from lightloop.config import parse
        parse(sys.stdin.read(), reads_plan=False)
        print("useq" in sys.modules)"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        input=(ROOT / "configs" / "demo.toml").read_text("utf-8"),
    )  # fmt: skip
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", WITHOUT_PLAN)
def test_who_takes_no_image_asks_for_no_plan(name: str) -> None:
    tree = ast.parse((ROOT / "lightloop" / "processes" / f"{name}.py").read_text("utf-8"))
    (call,) = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and
               ast.unparse(n.func) == "parse")  # fmt: skip
    assert [ast.unparse(word) for word in call.keywords] == ["reads_plan=False"]


def test_help_needs_neither_the_configs_nor_the_floors_below() -> None:
    code = (
        "import sys; from lightloop.cli import app; "
        "print(sorted({'numpy', 'useq', 'pydantic', 'acquire', 'realtime'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("floor", FLOORS)
def test_an_import_points_down(floor: str) -> None:
    for path in sources(floor):
        ours = {name.split(".")[0] for name in imports(ast.parse(path.read_text("utf-8")))}
        assert ours & set(FLOORS) <= BELOW[floor], path


@pytest.mark.parametrize("floor", FLOORS)
def test_no_file_reads_bytes_as_programs(floor: str) -> None:
    for path in sources(floor):
        tree = ast.parse(path.read_text("utf-8"))
        assert not imports(tree) & BANNED, path
        called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and
                  isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"eval", "exec"}, path


@pytest.mark.parametrize("floor", FLOORS)
def test_a_file_is_one_idea(floor: str) -> None:
    for path in sources(floor):
        assert len(path.read_text("utf-8").splitlines()) <= 500, f"{path}: split it"


@pytest.mark.parametrize("floor", FLOORS)
def test_every_error_that_ends_a_run_stands_in_the_drawn_tree(floor: str) -> None:
    tree = ast.get_docstring(ast.parse((ROOT / "acquire" / "errors.py").read_text("utf-8"))) or ""
    drawn = {line.split()[0] for line in tree.splitlines() if line.strip()}
    for path in sources(floor):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and {ast.unparse(b) for b in node.bases} & drawn:
                assert node.name in drawn, f"{path}: {node.name}"
