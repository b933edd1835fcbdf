"""Is all that ships in the wheel? ``python -m tests.tools.wheel`` builds one and compares.

Tests run in a checkout, where a file that the wheel leaves out is never missed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = ("lightloop", "gui", "realtime", "acquire", "models", "configs")


def lacks(wheel: Path, root: Path) -> list[str]:
    """Return which files of a checkout's shipped folders a wheel has not."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    ours = (path for folder in SHIPPED for path in (root / folder).rglob("*") if path.is_file())
    names = sorted(path.relative_to(root).as_posix() for path in ours)
    return [name for name in names if name not in inside and "/__pycache__/" not in name]


def main() -> int:
    """Build a wheel of this checkout, say what it lacks, and return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", folder, str(ROOT)]
        subprocess.run([sys.executable, "-m", *words], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        lacking = lacks(wheel, ROOT)
    sys.stdout.write("\n".join([f"{wheel.name} lacks {len(lacking)} files", *lacking, ""]))
    return int(bool(lacking))


if __name__ == "__main__":
    sys.exit(main())
