"""Train, score and pack a network: ``python -m models.train TASK --out DIR [--data DIR]``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.package import Package
from models.train import card, pack, score, score_tasks, segment
from models.train.fit import Plan, fit
from models.train.pool import Pool
from models.train.recipes import recipe
from models.train.start import shares_of, transplant
from models.unet import LiteUNet, count_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)
_TASKS = ("denoise", "superres", "axial")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["segment"]:
        segment.main(words[1:])
        return
    asked = _parser().parse_args(words)
    if asked.verb != "score":
        _train(asked)
    if not getattr(asked, "no_score", False):
        _score(asked.out, asked.data)
    print(f"packed {asked.out}")


def _parser() -> argparse.ArgumentParser:
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for task in _TASKS:
        train = verbs.add_parser(task, help=f"train, score and pack a network for {task}")
        train.add_argument("--base", type=int, default=16, help="channels of the finest level")
        train.add_argument(
            "--frames",
            type=int,
            default=5,
            help="frames that a denoiser sees; axial: 6 shows it restored planes, too",
        )
        train.add_argument("--version", default="1", help="which training, as the manifest says")
        train.add_argument("--steps", type=int, default=plan.steps)
        train.add_argument("--minutes", type=float, default=plan.minutes, help="end after these")
        train.add_argument("--rate", type=float, default=plan.rate)
        train.add_argument("--patience", type=int, default=plan.patience, help="looks in vain")
        train.add_argument("--init", type=Path, help="package to start from")
        train.add_argument("--seed", type=int, default=plan.seed)
        train.add_argument(
            "--decibels", action="store_true", help="a trained network: squared error in light"
        )
        train.add_argument("--pool", type=int, default=0, help="batches drawn once; 0: ever new")
        train.add_argument("--pool-folder", type=Path, help="where these are kept, and found again")
        train.add_argument("--threads", type=int, default=plan.threads)
        train.add_argument("--checkpoint", type=Path, help="file to go on from after a kill")
        train.add_argument("--no-score", action="store_true", help="pack without scores and card")
        _add_places(train)
    verbs.add_parser("segment", help="train and pack an outliner of nuclei; see segment --help")
    _add_places(verbs.add_parser("score", help="score a package again and write its card"))
    return parser


def _add_places(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--out", type=Path, required=True, help="folder of the package")
    verb.add_argument("--data", type=Path, help="folder of real images (HDF5)")


def _train(asked: argparse.Namespace) -> None:
    how = recipe(asked.verb, asked.frames)
    begun = time.monotonic()
    train, held_out, sources = how.material(asked.seed, asked.data)
    logger.info("%d specimens after %.0f s", len(train), time.monotonic() - begun)
    plan = Plan(
        steps=asked.steps, minutes=asked.minutes, rate=asked.rate, seed=asked.seed,
        threads=asked.threads, in_decibels=asked.decibels, patience=asked.patience,
    )  # fmt: skip
    net = how.network(asked.base, asked.seed)
    if asked.init is not None:
        start = Package.load(asked.init)
        shares = shares_of(how.task, net.in_channels, start.manifest.in_channels)
        new = transplant(net, start, shares, asked.seed)
        logger.info("started from %s; new are %s", asked.init, ", ".join(new))
    batch_at = how.batch_at(train, asked.seed)
    if asked.pool:
        batch_at = Pool(batch_at, asked.pool, asked.seed, asked.pool_folder)
        logger.info("%d batches after %.0f s", asked.pool, time.monotonic() - begun)
    looks = fit(
        net, batch_at, how.held_out(held_out, asked.seed), plan,
        checkpoint=asked.checkpoint,
    )  # fmt: skip
    manifest = pack.restoring_manifest(
        asked.out.name, how.task, asked.version, net, how.extra_channels, _command(asked), sources
    )
    pack.pack(asked.out, net, looks, manifest)


def _command(asked: argparse.Namespace) -> str:
    """Return the command line that trains the same again, no path of this machine in it."""
    frames = f" --frames {asked.frames}" if asked.verb != "superres" else ""
    init = f" --init models/weights/{asked.init.name}" if asked.init is not None else ""
    decibels = " --decibels" if asked.decibels else ""
    pool = f" --pool {asked.pool}" if asked.pool else ""
    patience = f" --patience {asked.patience}" if asked.patience != Plan().patience else ""
    data = " --data DIR" if asked.data is not None else ""
    return (
        f"python -m models.train {asked.verb} --out models/weights/{asked.out.name} --base "
        f"{asked.base}{frames} --steps {asked.steps} --minutes {asked.minutes:g} --rate "
        f"{asked.rate:g} --seed {asked.seed}{decibels}{pool}{patience}{init}{data}"
    )


def _score(folder: Path, data: Path | None) -> None:
    """Score the package with the engine that users get, write scores and card, seal it again."""
    package = Package.load(folder)
    scores = _scores(package, data)
    numbers = json.dumps(scores, indent=1) + "\n"
    (folder / "scores.json").write_text(numbers, encoding="utf-8", newline="\n")
    net = LiteUNet.of(package.manifest)
    text = card.write_card(package.manifest, count_parameters(net), scores)
    (folder / "card.md").write_text(text, encoding="utf-8", newline="\n")
    pack.seal(folder, package.manifest)


def _scores(package: Package, data: Path | None) -> dict[str, Any]:
    task = package.manifest.task
    if task == "superres":
        return {"superres": score_tasks.score_superres(package)}
    if task == "axial":
        return {"axial": score_tasks.score_axial(package)}
    return {
        "simulated": score.score_simulated(package),
        "movies": score_tasks.score_movies(package) if package.manifest.in_frames > 1 else [],
        "nuclei": score.score_simulated(package, score.NUCLEI_PEAKS_E, "nuclei"),
        "cells": score.score_simulated(package, score.CELLS_PEAKS_E, "cells"),
        "bias": score.score_bias(package),
        "real": score.score_real(package, data) if data is not None else [],
    }


if __name__ == "__main__":
    main()
