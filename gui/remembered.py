"""What the window knows of the last time: its theme, in a small file of the user's folder."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import platformdirs

from gui.theme import DARK, THEMES

logger = logging.getLogger(__name__)

FILE_VARIABLE = "LIGHTLOOP_WINDOW"  # another file, for tests and for who shares an account


def last_theme() -> str:
    """Return the name of the theme that was chosen last; dark where nobody knows."""
    try:
        said: Any = json.loads(_file().read_text("utf-8"))
        name = said.get("theme") if isinstance(said, dict) else None
    except FileNotFoundError:
        return DARK.name
    except (OSError, ValueError) as error:
        logger.info("the window's last theme cannot be read: %s", error)
        return DARK.name
    return name if isinstance(name, str) and name in THEMES else DARK.name


def remember_theme(name: str) -> None:
    """Keep a theme for the next window; where that fails, the next one is as it was."""
    try:
        path = _file()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"theme": name}), "utf-8")
    except OSError as error:
        logger.info("the window's theme cannot be remembered: %s", error)


def _file() -> Path:
    if named := os.environ.get(FILE_VARIABLE):
        return Path(named)
    return platformdirs.user_config_path("lightloop", appauthor=False) / "window.json"
