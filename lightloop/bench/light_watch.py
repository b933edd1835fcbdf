"""One film of one specimen, and what each pair of eyes made of it, by quarter of the field.

The quarters of all seeds' fields are what intervals are drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from acquire.settings import Request, Settings
from lightloop.bench.light_scope import film
from lightloop.bench.light_score import Count, Forest, count_divisions, count_links, match
from lightloop.bench.light_truth import Field, divisions, near_rim, quarter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from acquire.frame import Frame, Shot
    from acquire.simulated.truth import Seen
    from lightloop.bench.light_eyes import Eyes
    from lightloop.bench.light_scope import Bill
    from lightloop.config import RunConfig

QUARTERS = 4
REACH_PX = 10.0
"""A found cell is a true one if their centres are at most so far apart: a radius of a nucleus."""
IMAGE_EVERY = 10  # shots; the error of an image changes slowly


@dataclass(frozen=True, slots=True)
class Verdict:
    """What eyes made of one film, by quarter of the field.

    Attributes
    ----------
    error_e2, signal_e2
        Mean squares of the restored image's error, and of the true image above its background,
        photo-electrons squared, (4,).
    n_claimed
        Divisions that were claimed anywhere in the field, cells at the rim included.
    trusted
        Share of the shots whose restored image was trusted.
    """

    links: Count
    divisions: Count
    n_claimed: int
    error_e2: NDArray[np.float64]
    signal_e2: NDArray[np.float64]
    trusted: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A film: its bill, the divisions that really happened in it, and a verdict for each eyes."""

    bill: Bill
    n_divisions: int
    verdicts: tuple[Verdict, ...]


@dataclass(slots=True)
class _Squares:
    """Running mean squares by quarter."""

    error: NDArray[np.float64] = field(default_factory=lambda: np.zeros(QUARTERS))
    signal: NDArray[np.float64] = field(default_factory=lambda: np.zeros(QUARTERS))
    count: int = 0

    def add(self, photons: NDArray[np.float32], truth: NDArray[np.float32]) -> None:
        self.error += _by_quarter(photons - truth)
        self.signal += _by_quarter(truth - np.median(truth))
        self.count += 1


class _Watch:
    """Shows every frame to all eyes; the first ones, if they steer, decide on the light."""

    def __init__(self, config: RunConfig, eyes: tuple[Eyes, ...], first: Request) -> None:
        assert config.scope.kind == "simulated"
        self._eyes, self._request = eyes, first
        self.field = Field(config.scope)
        self.squares = tuple(_Squares() for _ in eyes)
        self._shot = 0

    def see(self, frame: Frame, truth: Seen) -> None:
        self.field.add(truth.nuclei)
        for number, (eyes, squares) in enumerate(zip(self._eyes, self.squares, strict=True)):
            decision = eyes.see(frame)
            if self._shot % IMAGE_EVERY == 0:
                squares.add(eyes.photons, truth.expected_e)
            if number == 0:
                self._request = Request(
                    decision.settings, decision.id, has_evidence=decision.has_evidence
                )
        self._shot += 1

    def next_request(self, shot: Shot) -> Request:
        return self._request


def watch(config: RunConfig, first: Settings, n_shots: int, eyes: tuple[Eyes, ...]) -> Watched:
    """Film a config's specimen; the policy of the first eyes decides on the light after each shot.

    Parameters
    ----------
    first
        The settings of the first shot.
    eyes
        Closed afterwards.
    """
    listener = _Watch(config, eyes, Request(first, -1))
    try:
        bill = film(config, Request(first, -1), n_shots, listener)
    finally:
        for each in eyes:
            each.close()
    truth = listener.field.forest()
    shape = listener.field.shape
    verdicts = []
    for each, squares in zip(eyes, listener.squares, strict=True):
        found = each.forest()
        links, splits = judge(truth, found, shape)
        trusts = [result.observation.trust.is_trusted for result in each.results]
        error, signal = squares.error / squares.count, squares.signal / squares.count
        trusted = float(np.mean(trusts))
        verdicts.append(Verdict(links, splits, divisions(found), error, signal, trusted))
    return Watched(bill, divisions(truth), tuple(verdicts))


def judge(truth: Forest, found: Forest, shape: tuple[int, int]) -> tuple[Count, Count]:
    """Count links and divisions by quarter; who is cut off by the rim of the image is left out."""
    true_rim = near_rim(truth.place_px, shape)
    partner = match(truth, found, REACH_PX)
    found_rim = near_rim(found.place_px, shape)
    matched = partner >= 0
    found_rim[partner[matched]] = true_rim[matched]
    truth, found = truth.without(true_rim), found.without(found_rim)
    partner = match(truth, found, REACH_PX)
    units = (quarter(truth.place_px, shape), quarter(found.place_px, shape))
    return (
        count_links(truth, found, partner, units, QUARTERS),
        count_divisions(truth, found, partner, units, QUARTERS),
    )


def _by_quarter(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean square of each quarter, in the order of `light_truth.quarter`, (4,)."""
    height, width = image.shape
    rows = (image[height // 2 :], image[: height // 2])
    parts = [part for row in rows for part in (row[:, width // 2 :], row[:, : width // 2])]
    return np.array([cv2.norm(part, cv2.NORM_L2SQR) / part.size for part in parts])
