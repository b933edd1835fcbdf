"""`lightloop verify` and `lightloop repair`: is a run file whole, and what if it is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightloop.cli.door import complain, exit_status, paper, print_json
from lightloop.cli.options import AsJson, RunFile
from lightloop.cli.progress import progress_bar
from lightloop.status import FAILED

if TYPE_CHECKING:
    from realtime.run_file import Verdict

MOST_FAULTS = 20  # --json has them all


def verify(
    run: RunFile,
    as_json: AsJson = False,
) -> None:
    """Check every byte of a run file: sums, sequence, digest. Says what is wrong, and where."""
    with exit_status():
        from realtime.run_file import examine

        with progress_bar("verifying") as on_progress:
            verdict = examine(run, on_progress)
        if as_json:
            print_json(verdict)
        else:
            _say(verdict)
    if not verdict.is_whole:
        if not as_json:
            complain(f"{verdict.files[0]} is not whole; `lightloop repair` recovers what is")
        raise typer.Exit(FAILED)


def repair(
    run: RunFile,
    out: Annotated[
        Path | None, typer.Option(help="Run file to write; else RUN.repaired.h5.")
    ] = None,
) -> None:
    """Recover what is whole of a damaged or broken-off run file, into a new one."""
    with exit_status():
        from lightloop.check.files import check_output
        from realtime.run_file import part_paths, repair, repaired_path

        target = out if out is not None else repaired_path(run)
        check_output(target, sum(path.stat().st_size for path in part_paths(run)))
        with progress_bar("recovering") as on_progress:
            done = repair(run, target, on_progress)
        page = paper()
        if not done.path:
            page.print(f"{run.name} is whole: there is nothing to repair", soft_wrap=True)
            return
        _say(done.verdict)
        lost = f"{done.n_lost} lost" if done.n_lost else "none lost"
        page.print(f"{done.path}: {done.n_frames} frames recovered, {lost}", soft_wrap=True)


def _say(verdict: Verdict) -> None:
    from realtime.run_file.ranges import in_ranges

    page = paper()
    if verdict.is_whole:
        lost = f"{verdict.n_lost} declared lost" if verdict.n_lost else "none lost"
        page.print(
            f"{', '.join(verdict.files)}: whole, {verdict.status}; {verdict.n_frames} frames, "
            f"{lost}, {verdict.n_documents} documents, digest {verdict.digest}",
            soft_wrap=True,
        )
        return
    said = in_ranges(verdict.faults)
    for sentence in said[:MOST_FAULTS]:
        page.print(sentence, soft_wrap=True)
    if len(said) > MOST_FAULTS:
        page.print(f"and {len(said) - MOST_FAULTS} more (`lightloop verify --json` lists all)")
