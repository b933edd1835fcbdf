"""A folder that appears under its name only when everything is in it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def new_folder(folder: Path) -> Generator[Path]:
    """Give a folder of another name to write in; it gets its own when all went well.

    Raises
    ------
    RunFileError
        If it exists, or cannot be written.
    """
    if folder.exists():
        raise RunFileError(f"{folder} exists already; please choose another name")
    draft = folder.with_name(f"{folder.name}.unfinished")
    try:
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(parents=True)
        yield draft
        draft.replace(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, RunFileError):
            raise
        raise RunFileError(f"{folder} cannot be written: {error}") from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
