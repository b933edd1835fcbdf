"""`python -m lightloop.bench.faults_command TASK`: `lightloop run`, in parts that can be broken."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the task of a file to its end, and leave with the status of `lightloop run`."""
    import msgspec
    import typer

    from lightloop.bench import faults_parts
    from lightloop.cli.door import exit_status, text_of
    from lightloop.cli.run import supervise_and_report
    from lightloop.supervision import children
    from lightloop.task import RunTask

    task = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=RunTask)
    config = Path(task.config_name)
    task = msgspec.structs.replace(task, config_toml=text_of(config), config_name=config.name)
    setattr(children, "enter", faults_parts.enter)  # noqa: B010
    try:
        with exit_status():
            supervise_and_report(task)
    except typer.Exit as leave:
        sys.exit(leave.exit_code)


if __name__ == "__main__":
    main()
