"""The command line: what it prints, where, and the status it leaves with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import h5py
import pytest
import typer

import lightloop.supervision.supervisor
from acquire.errors import DeviceMissing, LightNotDark, ScopeError
from lightloop.cli import app
from lightloop.cli.door import exit_status
from lightloop.config import ConfigError
from lightloop.status import NOT_DARK
from lightloop.supervision.supervisor import Outcome
from lightloop.task import RunTask
from models.errors import ModelError
from tests.unit.cli_calls import CONFIGS, DEMO, call


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "none.toml"], 2, r"^lightloop: none\.toml: there is no such file"),
        (["check", "none.toml"], 2, r"^lightloop: none\.toml: there is no such file"),
        (["check", "."], 2, r"^lightloop: \.: cannot be read: it is a folder$"),
        (["inspect", "."], 1, r"^lightloop: \. is a folder: name a run file in it$"),
        (["verify", "."], 1, r"^lightloop: \. is a folder: name a run file in it$"),
        (["export", ".", "--tiff"], 1, r"^lightloop: \. is a folder: name a run file in it$"),
        (["demo", "--headless", "--out", "x.tif"], 2, r"let its name end with \.h5$"),
        (["simulate", "sparse", "--out", "x.tif"], 2, r"let its name end with \.h5$"),
        (["run", str(CONFIGS / "demo-camera.toml"), "--seed", "1"], 2, r"drives a real scope"),
        (["demo", "--headless", "--out", "no/folder/run.h5"], 2, r"there is no folder"),
        (["demo", "--headless", "--screenshot", "no/folder/x.png"], 2, r"there is no folder"),
        (["run", DEMO, "--screenshot", str(CONFIGS)], 2, r"it is a folder"),
        (["demo", "--frames", "-1"], 2, r"--frames"),
        (["replay", "none.h5"], 1, r"^lightloop: .*none\.h5"),
        (["replay", "none.h5", "--step", "--max"], 2, r"exclude each other"),
        (["inspect", "none.h5"], 1, r"^lightloop: .*none\.h5"),
        (["inspect", DEMO], 1, r"^lightloop: demo\.toml .*: it does not begin as one$"),
        (["truth", DEMO], 1, r"^lightloop: .*demo\.toml"),
        (["models", "info", "none"], 1, r"^lightloop: .*'none'"),
        (["bench", "strem"], 2, r"did you mean 'stream'"),
        (["demmo"], 2, r"(?i)no such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(words: list[str], code: int, said: str) -> None:
    found, out, err = call(*words)
    assert found == code
    assert re.search(said, err), err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_recording_in_the_place_of_a_config_is_told_from_it(verb: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w"):
        pass
    code, _, err = call(verb, str(tmp_path / "run.h5"))
    assert code == 2
    assert "is a recording, and a run config (.toml) is wanted" in err
    assert f"lightloop run --continue {tmp_path / 'run.h5'}" in err


def test_no_help_loses_a_word_that_looks_like_markup() -> None:
    def commands(one: click.Command) -> Iterator[click.Command]:
        yield one
        for below in getattr(one, "commands", {}).values():
            yield from commands(below)

    for command in commands(typer.main.get_command(app)):
        for text in (command.help, *(getattr(one, "help", "") for one in command.params)):
            assert not re.search(r"\[/?[a-z#@]", text or ""), text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ScopeError("it broke"), 1),
        (ModelError("it broke"), 1),
        (ConfigError("it broke"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_failure_has_its_status(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def supervise(_: RunTask) -> Outcome:
        raise error

    monkeypatch.setattr(lightloop.supervision.supervisor, "supervise", supervise)
    found, _, err = call("demo", "--headless")
    assert found == code
    assert err.count("lightloop: ") == 1


def test_an_unexpected_fault_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), exit_status():
        raise ZeroDivisionError


def test_every_verb_has_help() -> None:
    code, said, _ = call("--help")
    assert code == 0
    verbs = ("demo", "run", "check", "import", "replay", "inspect", "doctor", "bench", "models")
    for verb in (*verbs, "schema"):
        assert verb in said
        assert call(verb, "--help")[0] == 0


@pytest.mark.parametrize("after", [None, RuntimeError, KeyboardInterrupt, DeviceMissing])
def test_a_light_that_does_not_go_dark_outweighs_whatever_fails_after_it(
    after: type[BaseException] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as left, exit_status():  # noqa: PT012
        try:
            raise LightNotDark("the laser is read back as on")
        except LightNotDark:
            if after is None:
                raise
            raise after("the driver crashed as it was let go of")  # noqa: B904
    assert left.value.exit_code == NOT_DARK
    assert "the laser is read back as on" in capsys.readouterr().err


def test_the_version_is_said_and_help_tells_the_verbs_by_when_they_are_wanted() -> None:
    code, said, _ = call("--version")
    assert code == 0
    assert re.fullmatch(r"lightloop \d+\.\d+\.\d+\n", said)
    said = call("--help")[1]
    panels = ("Before a run", "A run", "After a run", "Without a microscope")
    assert sorted(panels, key=said.index) == list(panels)
