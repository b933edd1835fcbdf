"""One microscope, one run: two guards of one light would each book only their own half of it."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from acquire.errors import DeviceMissing
from acquire.sample.lock import FileLock
from lightloop.config import MicroManagerConfig

if TYPE_CHECKING:
    from collections.abc import Generator

    from lightloop.config import RunConfig

FOLDER_VARIABLE = "LIGHTLOOP_STANDS"  # one folder for everybody at a microscope


@contextmanager
def hold_stand(config: RunConfig) -> Generator[None]:
    """Hold a microscope for this process alone: `with hold_stand(config):`, before it is loaded.

    It is known by its Micro-Manager configuration file. The operating system lets go of it when
    the process dies. `lightloop dark` asks for no leave. Simulated microscopes are not shared, and
    Micro-Manager's own demonstration has no light.

    Raises
    ------
    DeviceMissing
        If another lightloop holds it, or the folder for that cannot be used.
    """
    if not isinstance(config.scope, MicroManagerConfig) or config.scope.system == "demo":
        yield
        return
    system = Path(config.scope.system)
    name = hashlib.sha256(os.path.normcase(system.resolve()).encode()).hexdigest()[:16]
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
    except BlockingIOError as error:
        raise DeviceMissing(
            f"the microscope {system.name} is in use by another lightloop, and two would not know "
            "of each other's light: wait for it, or end it there (Ctrl-C, STOP LIGHT)"
        ) from error
    except OSError as error:
        raise DeviceMissing(
            f"nobody can say whether {system.name} is in use: {error}; {FOLDER_VARIABLE} may name "
            "another folder"
        ) from error
    try:
        yield
    finally:
        lock.close()


def _folder() -> Path:
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    return platformdirs.user_data_path("lightloop", appauthor=False) / "stands"
