"""Films as jobs, which share nothing: each can be taken in a process of its own."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from acquire.errors import ScopeError
from lightloop.bench.light_eyes import gaussian_eyes, network_eyes
from lightloop.bench.light_watch import watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from acquire.settings import Settings
    from lightloop.bench.light_watch import Watched
    from lightloop.config import RunConfig

logger = logging.getLogger(__name__)

MOST_PROCESSES = 8  # each takes some 300 MB
TRIES = 3  # a camera that hangs in truth hangs always


class Look(NamedTuple):
    """One pair of eyes: the network of a config, or a Gaussian filter of some width, pixels."""

    config: RunConfig
    sigma_px: float | None = None
    is_blind: bool = False


class Job(NamedTuple):
    """One film: its config with its seed, the settings of its first shot, and who looks at it."""

    name: str
    config: RunConfig
    first: Settings
    shots: int
    looks: tuple[Look, ...]


def take(job: Job) -> Watched:
    """Take one film, and again where the machine was paused in mid-exposure: films repeat exactly.

    Raises
    ------
    ScopeError
        If it fails time and again.
    """
    for _ in range(TRIES - 1):
        try:
            return _take(job)
        except ScopeError as error:
            logger.warning("%s is taken again: %s", job.name, error)
    return _take(job)


def _take(job: Job) -> Watched:
    eyes = tuple(
        network_eyes(look.config, job.first, is_blind=look.is_blind)
        if look.sigma_px is None
        else gaussian_eyes(look.config, look.sigma_px, job.first)
        for look in job.looks
    )
    return watch(job.config, job.first, job.shots, eyes)


def take_all(jobs: Sequence[Job], *, in_this_process: bool) -> list[Watched]:
    """Take all films, in order; in as many processes as there are cores, or in this one."""
    workers = min(os.cpu_count() or 1, MOST_PROCESSES, len(jobs))
    if in_this_process or workers < 2:
        return list(_told(jobs, map(take, jobs)))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(_told(jobs, pool.map(take, jobs)))


def _told(jobs: Sequence[Job], films: Iterable[Watched]) -> Iterator[Watched]:
    for number, (job, watched) in enumerate(zip(jobs, films, strict=True), start=1):
        logger.info("film %d of %d is done: %s", number, len(jobs), job.name)
        if sys.stderr.isatty():  # minutes of silence would look like a hang
            end = "\n" if number == len(jobs) else ""
            print(f"\rfilm {number} of {len(jobs)}", end=end, file=sys.stderr, flush=True)
        yield watched
