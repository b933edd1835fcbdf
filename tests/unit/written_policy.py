"""The policy that docs/policies.md shows, as a user would save it."""

from __future__ import annotations

import re
from pathlib import Path

from lightloop.build.own_policy import OwnPolicyConfig

GUIDE = Path(__file__).parents[2] / "docs" / "policies.md"


def example(folder: Path, **options: float) -> OwnPolicyConfig:
    """Save the guide's one Python block in a folder, and return the config that names it."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    path = folder / "brightness.py"
    path.write_text(code, "utf-8")
    return OwnPolicyConfig(kind="python", path=str(path), options=dict(options))
