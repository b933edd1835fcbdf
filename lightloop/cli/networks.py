"""`lightloop models`: the networks that are here, what each is for, and what runs them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightloop.cli.door import complain, exit_status, paper
from lightloop.status import FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from models.engines.survey import Tried
    from models.engines.table import Choice

app = typer.Typer(no_args_is_help=True, help="Show the networks that are here, and their engines.")

Name = Annotated[str, typer.Argument(help="Name of a package, or its folder.")]
Size = Annotated[str, typer.Option(help="Height x width of the frames, px.")]
Threads = Annotated[int, typer.Option(min=1, max=256, help="Processor threads.")]
EngineName = Annotated[str, typer.Option("--engine", help='Only this engine: "openvino", ...')]
Precision = Annotated[str, typer.Option(help='Only this precision: "f32", "bf16", "int8", ...')]
USUAL = "512x512"


@app.command("list")
def list_models() -> None:
    """List the model packages that come with lightloop."""
    with exit_status():
        from lightloop.cli.networks_tables import packages_table
        from models.package import Package, list_shipped, shipped

        paper().print(packages_table([Package.load(shipped(name)) for name in list_shipped()]))


@app.command("info")
def info(
    name: Name,
    card: Annotated[
        bool, typer.Option("--card", help="All of its card: scores, and what it learnt from.")
    ] = False,
) -> None:
    """Show what a network is for, and how far it may be trusted."""
    with exit_status():
        from rich.markdown import Markdown

        from lightloop.build.pipeline import load_package
        from lightloop.cli.networks_tables import RATIO_MEANS, trust_table

        package = load_package(name, None)
        page = paper()
        page.print(f"{package.model_id}, checked: every file is the one that was packed\n")
        file = package.folder / "card.md"
        text = file.read_text("utf-8") if file.is_file() else ""
        if card:
            page.print(text, markup=False, soft_wrap=True)  # its tables are wide, and stay whole
            return
        about, *more = text.split("\n## ")
        page.print(Markdown(f"{about}\n"))
        page.print()
        page.print(trust_table(package.manifest))
        if package.manifest.conformal:
            page.print(RATIO_MEANS, style="dim")
        if more:
            page.print(f"its scores, and what it learnt from: lightloop models info {name} --card")


@app.command("compile")
def compile_engines(
    name: Name,
    size: Size = USUAL,
    threads: Threads = 1,
    engine: EngineName = "auto",
    precision: Precision = "auto",
    ahead: Annotated[
        bool, typer.Option("--rtx", help="Also compile for RTX cards, which need not be here.")
    ] = False,
) -> None:
    """Compile a network for every engine of this machine, so that a run starts at once."""
    with exit_status():
        from lightloop.build.pipeline import load_package
        from lightloop.cli.networks_tables import compiled_table
        from models.engines.eight_bits import make_int8
        from models.engines.rtx_build import TARGETS, rtx_plan
        from models.engines.survey import survey
        from models.errors import EngineUnavailable
        from models.plan_cache import PlanCache

        package, shape = load_package(name, None), _size(size)
        page, notes = paper(), []
        with _progress() as show:
            if precision in ("auto", "int8"):
                show("int8 form")
                try:
                    make_int8(package)
                except EngineUnavailable as err:
                    notes.append(str(err))
            begun: Callable[[Choice], None] = lambda choice: show(" ".join(choice))  # noqa: E731
            tried = list(
                survey(package, shape, threads, engine=engine, precision=precision, begun=begun)
            )
            if ahead:
                show(f"RTX cards, {', '.join(TARGETS)}")
                for sizes in (shape, None):
                    plan, was_there = rtx_plan(package, sizes)
                    what = "any size" if sizes is None else f"{sizes[0]} x {sizes[1]} px"
                    state = "was compiled before" if was_there else "compiled"
                    notes.append(f"RTX {', '.join(TARGETS)}, {what}: {state}, {len(plan)} bytes")
        page.print(compiled_table(package, tried))
        for note in notes:
            page.print(note, soft_wrap=True)
        page.print(f"compiled engines are kept in {PlanCache().folder}", soft_wrap=True)
        _fail_if_none(package.model_id, tried)


@app.command("bench")
def bench(
    name: Name,
    size: Size = USUAL,
    threads: Threads = 2,
    frames: Annotated[int, typer.Option(min=5, max=100_000, help="Frames to time.")] = 100,
    engine: EngineName = "auto",
    precision: Precision = "auto",
) -> None:
    """Time a network on every engine, and remember which is fastest here."""
    with exit_status():
        from lightloop.build.pipeline import load_package
        from lightloop.cli.networks_tables import bench_table, reasons
        from models.engines import order
        from models.engines.survey import survey

        package, shape = load_package(name, None), _size(size)
        with _progress() as show:
            begun: Callable[[Choice], None] = lambda choice: show(" ".join(choice))  # noqa: E731
            tried = list(survey(package, shape, threads, frames, engine, precision, begun))
        page = paper()
        page.print(bench_table(package, shape, threads, tried))
        for line in reasons(tried):
            page.print(line, soft_wrap=True)
        medians_ms = {one.choice: one.median_ms for one in tried if not one.reason}
        if (engine, precision) == ("auto", "auto") and medians_ms:
            order.remember(package, shape, threads, medians_ms)
            fastest, kind = min(medians_ms, key=lambda choice: medians_ms[choice])
            page.print(
                f'"auto" now means {fastest} {kind} here, for frames of {size} on {threads} threads'
            )
        _fail_if_none(package.model_id, tried)


@app.command("parity")
def parity(
    name: Name,
    size: Size = USUAL,
    threads: Threads = 1,
    engine: EngineName = "auto",
    precision: Precision = "auto",
) -> None:
    """Check that every engine gives the answer that is stored in the package."""
    with exit_status():
        from lightloop.build.pipeline import load_package
        from lightloop.cli.networks_tables import parity_table
        from models.engines.survey import survey

        package, shape = load_package(name, None), _size(size)
        with _progress() as show:
            begun: Callable[[Choice], None] = lambda choice: show(" ".join(choice))  # noqa: E731
            tried = list(
                survey(package, shape, threads, engine=engine, precision=precision, begun=begun)
            )
        paper().print(parity_table(package, tried))
        _fail_if_none(package.model_id, tried)
    if any(one.is_wrong for one in tried):
        complain("an engine gives another answer than the package's: it will not be used")
        raise typer.Exit(FAILED)


def _size(text: str) -> tuple[int, int]:
    """Return height and width out of "512x512".

    Raises
    ------
    ConfigError
        If that is no size that a network takes.
    """
    from lightloop.config import ConfigError

    parts = text.lower().replace(" ", "").split("x")
    if len(parts) == 2 and all(part.isdecimal() for part in parts):
        height, width = int(parts[0]), int(parts[1])
        if all(n % 8 == 0 and 16 <= n <= 8192 for n in (height, width)):
            return height, width
    raise ConfigError(
        f"--size: height x width in multiples of 8 from 16 to 8192, such as 512x512; got {text!r}"
    )


def _fail_if_none(model_id: str, tried: list[Tried]) -> None:
    from models.errors import EngineUnavailable

    if all(one.reason for one in tried):
        raise EngineUnavailable(f"no engine runs {model_id} here: the table has the reasons")


@contextmanager
def _progress() -> Generator[Callable[[str], None]]:
    """Show on stderr what is being done; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.status import Status

    console: Any = Console(stderr=True)
    with Status("", console=console) as status:
        yield lambda text: status.update(f"trying {text}")
