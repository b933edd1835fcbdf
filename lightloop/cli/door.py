"""What every verb shares: one sentence for a failure, one place to print, one log."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from lightloop.status import FAILED, INTERRUPTED, MISUSED, NOT_DARK

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from rich.console import Console

HDF5 = b"\x89HDF\r\n\x1a\n"  # how such a file begins
PIPE_WIDTH = 100  # columns where nobody tells how wide the paper is


@contextmanager
def exit_status(*, is_verbose: bool = False) -> Generator[None]:
    """Say in one sentence what went wrong, and leave with the status that belongs to it."""
    from acquire.errors import ScopeError
    from lightloop.config import ConfigError
    from lightloop.log import configure
    from models.errors import ModelError

    configure(is_verbose=is_verbose)
    try:
        yield
    except ConfigError as error:
        complain(str(error))
        raise typer.Exit(_or_not_dark(error, MISUSED)) from error
    except (ScopeError, ModelError) as error:
        complain(str(error))
        raise typer.Exit(_or_not_dark(error, FAILED)) from error
    except KeyboardInterrupt as error:
        complain("interrupted")
        raise typer.Exit(_or_not_dark(error, INTERRUPTED)) from error
    except Exception as error:  # of a driver, say; typer.Exit comes by here, too
        if isinstance(error, typer.Exit) or _or_not_dark(error, FAILED) != NOT_DARK:
            raise
        complain(f"unexpected {type(error).__name__}: {error}")
        raise typer.Exit(NOT_DARK) from error


def _or_not_dark(error: BaseException, status: int) -> int:
    """Return the status of an error, unless behind it a light would not go dark: that outweighs."""
    from acquire.errors import LightNotDark

    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, LightNotDark):
            if behind is not error:
                complain(f"DARK NOT CONFIRMED: {behind}")
            return NOT_DARK
        behind = behind.__cause__ or behind.__context__
    return status


def complain(text: str) -> None:
    """Write a sentence to the person, beside the results."""
    print(f"lightloop: {text}", file=sys.stderr)


def print_json(thing: object) -> None:
    """Write a record as one line of JSON for programs, in ASCII: no code page can garble it."""
    import json
    import re

    import msgspec

    text = msgspec.json.encode(thing).decode()
    print(re.sub(r"[^\x00-\x7f]", lambda letter: json.dumps(letter[0])[1:-1], text))


def text_of(path: Path) -> str:
    """Return what is written in a config file.

    Raises
    ------
    ConfigError
        If it cannot be read, or is a recording: these two are easily mixed up.
    """
    from lightloop.config import ConfigError, read_text

    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(HDF5)) == HDF5:
                raise ConfigError(
                    f"{path} is a recording, and a run config (.toml) is wanted: to see it again, "
                    f"lightloop replay {path}; to go on with its run, lightloop run --continue "
                    f"{path}"
                )
    return read_text(path)


def paper() -> Console:
    """Return the console for results; plain ASCII where stdout does not speak UTF-8."""
    from rich.console import Console

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a title in another script must not end a run
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if is_known else PIPE_WIDTH
    return Console(width=width, highlight=False, emoji=False)


def has_screen() -> bool:
    """Whether a window could be shown to anybody."""
    if sys.platform in ("win32", "darwin"):
        return True
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in names)


def wants_window(*, headless: bool, screenshot: bool) -> bool:
    """Decide whether to show a window; without a screen there is none, or one only for a picture.

    Raises
    ------
    ConfigError
        If a window is wanted and the parts for it are not installed.
    """
    import importlib.util

    from lightloop.config import ConfigError

    if headless and not screenshot:
        return False
    if any(importlib.util.find_spec(name) is None for name in ("PySide6", "qtpy", "pyqtgraph")):
        raise ConfigError(
            'the window needs more packages: pip install -e ".[gui]", or say --headless'
        )
    if headless or not has_screen():
        if not screenshot:
            complain("there is no screen, so the run goes on without a window (as --headless)")
            return False
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # inherited by the window's process
    return True
