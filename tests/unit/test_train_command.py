"""What `lightloop train` says before it begins. Needs no torch."""

from __future__ import annotations

import importlib.util

import pytest
from typer.testing import CliRunner

from lightloop.cli import app
from lightloop.status import FAILED, MISUSED

find_spec = importlib.util.find_spec


@pytest.fixture
def with_torch(monkeypatch):
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: True if name == "torch" else
        (True if name in ("onnx", "onnxscript") else find_spec(name, *more)),
    )  # fmt: skip


def test_without_torch_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(
        importlib.util, "find_spec",
        lambda name, *more: None if name == "torch" else find_spec(name, *more),
    )  # fmt: skip
    result = CliRunner().invoke(app, ["train", "denoise", "--from", str(tmp_path / "run.h5")])
    assert result.exit_code == MISUSED
    assert result.stderr.count("\n") == 1
    assert 'pip install -e ".[train]"' in result.stderr


@pytest.mark.usefixtures("with_torch")
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["denoise"], MISUSED, "what to learn from"),
        (["denoise", "--from", "none.h5"], FAILED, "none.h5"),
        (["denoise", "--from", "a.tif", "--channel", "gfp"], MISUSED, "number from 0"),
        (["denoise", "--from", "a.h5", "--init", "no-such"], FAILED, "no-such"),
        (["stain", "--from", "a.h5"], MISUSED, "stain"),
        (["denoise", "--from", "a.h5", "--mode", "magic"], MISUSED, "magic"),
        (["denoise", "--from", "a.h5", "--minutes", "nan"], MISUSED, "minutes"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(words, status, said):
    result = CliRunner().invoke(app, ["train", *words])
    assert result.exit_code == status
    assert said in result.stderr
