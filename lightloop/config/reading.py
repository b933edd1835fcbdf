"""From a TOML file to a config, or to one clear sentence for each thing that is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from acquire.errors import ScopeError
from lightloop.config.complaints import lines_of, near_file, not_finite, where
from lightloop.config.run import READS_PLAN, RunConfig
from lightloop.config.toml_slips import with_line

if TYPE_CHECKING:
    from pathlib import Path


# A drive and one backslash: TOML would read "C:\temp" as C:, a tab, and emp.
_DRIVE = re.compile(r'^[^#\n]*[=,\[][ \t]*("[A-Za-z]:\\(?!\\)[^"\\\n]*)', re.MULTILINE)
_QUOTES = "write paths of Windows between single quotes, 'C:\\folder\\file', or with /"


class ConfigError(ScopeError, ValueError):
    """A config file says something that we do not understand."""


def load(path: Path) -> RunConfig:
    """Read the config of a run from a TOML file.

    Raises
    ------
    ConfigError
        With one sentence for each thing that is wrong, and where it stands.
    """
    return parse(read_text(path), path.name)


def read_text(path: Path) -> str:
    """Return what a text file says, as UTF-8.

    Raises
    ------
    ConfigError
        If it cannot be read, with the reason in plain words.
    """
    try:
        return path.read_text("utf-8-sig")  # editors of Windows put a mark before the first letter
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file{near_file(path)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: is no plain text in UTF-8 (byte {error.start}); save it as that "
            "(PowerShell's '>' writes UTF-16)"
        ) from error
    except OSError as error:
        why = "it is a folder" if path.is_dir() else error.strerror
        raise ConfigError(f"{path}: cannot be read: {why}") from error


def parse(text: str, name: str = "config", *, reads_plan: bool = True) -> RunConfig:
    """Read the config of a run from TOML text; `name` stands before each complaint.

    Parameters
    ----------
    reads_plan
        False in a process that takes no image, of a text that its supervisor has parsed: lights,
        their limits and all else are checked as ever, and useq, which knows what a plan means,
        need not be loaded.

    Raises
    ------
    ConfigError
        With one sentence for each thing that is wrong, and where it stands.
    """
    if found := _DRIVE.search(text):
        raise ConfigError(f"{name}: {found[1]}... has a backslash between double quotes; {_QUOTES}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = f"; {_QUOTES}" if '"\\\\' in text else ""  # a share: "\\server\share"
        said = with_line(str(error), text)
        raise ConfigError(f"{name}: not TOML: {said}{hint}") from error
    if infinite := list(not_finite(values)):
        raise ConfigError(
            "\n".join(
                f"{name}: {where(place, values)} must be a finite number, got {number}"
                for place, number in infinite
            )
        )
    try:
        # Strict, so that true is not 1.0; by way of JSON, where a path is a mere string.
        return RunConfig.model_validate_json(
            json.dumps(values, default=str), strict=True, context={READS_PLAN: reads_plan}
        )
    except ValidationError as error:
        lines = lines_of(error, RunConfig, values)
        raise ConfigError("\n".join(f"{name}: {line}" for line in lines)) from error
