"""Train, score and pack a network: ``python -m models.train denoise --out DIR [--data DIR]``."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from models.package import Package
from models.train import card, denoise, pack, score
from models.train.real import load_real
from models.unet import LiteUNet, count_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIMULATED, _SIMULATED_HELD_OUT = 1500, 60


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asked = _parser().parse_args(arguments)
    if asked.verb == "denoise":
        _train(asked)
    _score(asked.out, asked.data)
    print(f"packed {asked.out}")


def _parser() -> argparse.ArgumentParser:
    plan = denoise.Plan()
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("denoise", help="train, score and pack a denoiser")
    train.add_argument("--steps", type=int, default=plan.steps)
    train.add_argument("--seed", type=int, default=plan.seed)
    train.add_argument("--threads", type=int, default=plan.threads)
    again = verbs.add_parser("score", help="score a package again and write its card")
    for verb in (train, again):
        verb.add_argument("--out", type=Path, required=True, help="folder of the package")
        verb.add_argument("--data", type=Path, help="folder of real images (HDF5)")
    return parser


def _train(asked: argparse.Namespace) -> None:
    plan = denoise.Plan(steps=asked.steps, seed=asked.seed, threads=asked.threads)
    specimens = denoise.simulated_specimens(plan.seed, _SIMULATED)
    held_out = denoise.simulated_specimens(plan.seed + 1, _SIMULATED_HELD_OUT)
    sources: list[str] = []
    if asked.data is not None:
        real, real_held_out, sources = load_real(asked.data)
        specimens += real
        held_out += real_held_out
    net, looks = denoise.fit(plan, specimens, held_out)
    data = " --data DIR" if asked.data is not None else ""
    command = (
        f"python -m models.train denoise --out {asked.out.as_posix()} "
        f"--steps {plan.steps} --seed {plan.seed}{data}"
    )
    pack.pack(asked.out, net, looks, asked.out.name, command, sources)


def _score(folder: Path, data: Path | None) -> None:
    """Score the package with the engine that users get, write scores and card, seal it again."""
    package = Package.load(folder, task="denoise")
    scores = {
        "simulated": score.score_simulated(package),
        "nuclei": score.score_simulated(package, score.NUCLEI_PEAKS_E, "nuclei"),
        "cells": score.score_simulated(package, score.CELLS_PEAKS_E, "cells"),
        "bias": score.score_bias(package),
        "real": score.score_real(package, data) if data is not None else [],
    }
    numbers = json.dumps(scores, indent=1) + "\n"
    (folder / "scores.json").write_text(numbers, encoding="utf-8", newline="\n")
    net = LiteUNet.of(package.manifest)
    text = card.write_card(package.manifest, count_parameters(net), scores)
    (folder / "card.md").write_text(text, encoding="utf-8", newline="\n")
    pack.seal(folder, package.manifest)


if __name__ == "__main__":
    main()
