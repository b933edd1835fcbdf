"""Files and folders that appear under their names only when everything is in them."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from acquire.in_place import put_in_place
from realtime.errors import RunFileError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DRAFT = ".unfinished"


class Outputs:
    """What one export writes: each thing beside its place, under another name, until all are whole.

    A killed export leaves drafts, never a half thing under a final name; the next export of the
    same name writes over them.
    """

    def __init__(self) -> None:
        self._drafts: list[tuple[Path, Path]] = []

    @property
    def paths(self) -> list[Path]:
        """Return the final names, in the order in which they were asked for."""
        return [final for _, final in self._drafts]

    def new(self, path: Path) -> Path:
        """Return where to write a file or folder that will be `path`; its parent is there.

        Raises
        ------
        RunFileError
            If `path` exists.
        """
        if path.exists():
            raise RunFileError(f"{path} exists already; move it away, or choose another name")
        draft = path.with_name(path.name + DRAFT)
        remove(draft)
        draft.parent.mkdir(parents=True, exist_ok=True)
        self._drafts.append((draft, path))
        return draft

    def publish(self) -> None:
        """Give everything its own name; what appeared meanwhile is left alone.

        Raises
        ------
        RunFileError
            If a name was taken since.
        """
        for _, path in self._drafts:
            if path.exists():
                raise RunFileError(f"{path} was made by somebody else meanwhile")
        for draft, path in self._drafts:
            put_in_place(draft, path)

    def discard(self) -> None:
        """Remove what was written."""
        for draft, _ in self._drafts:
            remove(draft)


@contextmanager
def outputs() -> Generator[Outputs]:
    """Collect what an export writes; all of it gets its name when all went well, else nothing does.

    Raises
    ------
    RunFileError
        If something exists already, or cannot be written.
    """
    out = Outputs()
    try:
        yield out
        out.publish()
    except OSError as error:
        out.discard()
        if isinstance(error, RunFileError):
            raise
        raise RunFileError(f"the export cannot be written: {error}") from error
    except BaseException:
        out.discard()
        raise


@contextmanager
def new_folder(folder: Path) -> Generator[Path]:
    """Give a folder of another name to write in; it gets its own when all went well.

    Raises
    ------
    RunFileError
        If it exists, or cannot be written.
    """
    with outputs() as out:
        draft = out.new(folder)
        draft.mkdir()
        yield draft


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
