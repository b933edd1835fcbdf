"""Is every branch of the light guard run by its fast tests? Names each that is not.

    python -m tests.tools.cover

Ends with status 1 below 100 %. There is no way to leave a line out: what cannot be reached is
removed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tools.guarded import FILES, ROOT, TESTS


def main() -> int:
    """Run the tests under coverage, and judge the files of the guard alone."""
    with tempfile.TemporaryDirectory() as room:
        rules = Path(room, "rules.ini")
        rules.write_text("[run]\nbranch = true\n[report]\nexclude_lines =\n    TYPE_CHECKING:$\n")
        # The whole folder: told of single modules, coverage loads NumPy twice.
        tests = [
            "pytest", "-q", "-pno:cacheprovider", "--cov=acquire", f"--cov-config={rules}",
            "--cov-report=", *TESTS,
        ]  # fmt: skip
        report = [
            "coverage", "report", f"--rcfile={rules}", "--show-missing", "--fail-under=100",
            f"--include={','.join(FILES)}",
        ]  # fmt: skip
        environment = {**os.environ, "COVERAGE_FILE": str(Path(room, "coverage"))}
        for command in (tests, report):
            done = subprocess.run(
                [sys.executable, "-m", *command], cwd=ROOT, env=environment, check=False
            )
            if done.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
