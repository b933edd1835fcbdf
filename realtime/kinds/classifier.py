"""A small classifier of cells in a text file: how they look, weighed, becomes probabilities."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from realtime.errors import KindsError
from realtime.kinds.looks import LOOKS, looks_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from realtime.detections import Detections

FORMAT = "lightloop kinds 1"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")
MOST_KINDS = 32
MOST_BYTES = 1 << 20  # of a file; a real one has some kilobytes
_FARTHEST = 5.0
"""Standard deviations from what was learnt, beyond which a look counts as this far (proposed)."""


class Classifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says of what kind cells are; all kinds are taken to be equally common.

    Attributes
    ----------
    kinds
        Their names.
    looks
        Names of the numbers that it looks at (`realtime.kinds.looks.LOOKS`), F.
    mean, scale
        Mean and standard deviation of each look where it was learnt, (F,).
    weights, bias
        (K, F) and (K,): a softmax of ``weights @ (look - mean) / scale + bias``.
    cells
        How many cells of each kind it was learnt from.
    accuracy, log_loss
        Share of images of cells that it had not learnt from which it got right, and the mean of
        -log of the probability that it gave to the truth, nats; each kind counts the same.
    source
        The run that it was learnt from.

    References
    ----------
    Multinomial logistic regression: Bishop, Pattern Recognition and Machine Learning (2006) 4.3.4.
    """

    kinds: tuple[str, ...]
    looks: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    cells: tuple[int, ...] = ()
    accuracy: float = 0.0
    log_loss: float = 0.0
    source: str = ""
    format: str = FORMAT

    def of_looks(self, looks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each kind, (N, K), of looks (N, F); NaN where one is NaN."""
        far = (looks - np.array(self.mean)) / np.array(self.scale)
        score = np.clip(far, -_FARTHEST, _FARTHEST) @ np.array(self.weights).T + np.array(self.bias)
        score -= score.max(axis=1, keepdims=True, initial=-np.inf)
        shares = np.exp(score)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def of_cells(
        self, image: NDArray[np.float32], found: Detections, pixel_um: float
    ) -> NDArray[np.float64]:
        """Return the probability of each kind for each cell that was found in an image, (N, K)."""
        return self.of_looks(looks_of(image, found, pixel_um))


def read_classifier(path: Path) -> Classifier:
    """Read a classifier from the file that `lightloop classify` wrote.

    Raises
    ------
    KindsError
        If there is no such file, or it holds no classifier that can be used here.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        what = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise KindsError(f"{path}: {what}; lightloop classify makes one") from error
    try:
        made = msgspec.json.decode(data, type=Classifier)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise KindsError(
            f"{path}: is no classifier of cells ({error or 'it is too large'}); lightloop classify "
            "makes one"
        ) from error
    if doubt := _doubt(made):
        raise KindsError(f"{path}: {doubt}; make it anew with lightloop classify")
    return made


def write_classifier(path: Path, made: Classifier) -> None:
    """Write a classifier as text, JSON; nothing that exists is written over.

    Raises
    ------
    KindsError
        If the file exists, or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    except FileExistsError as error:
        raise KindsError(f"{path} exists already; please choose another name") from error
    except OSError as error:
        raise KindsError(f"{path}: cannot be written: {error.strerror}") from error


def _doubt(made: Classifier) -> str:
    """Return why a classifier cannot be used; empty if it can."""
    n_kinds, n_looks = len(made.kinds), len(made.looks)
    if made.format != FORMAT:
        return f"its format is {made.format!r}, and this version reads {FORMAT!r}"
    if made.looks != LOOKS:
        return "it looks at other things than this version measures"
    if wrong := bad_names(made.kinds):
        return wrong
    shapes = {
        "mean": (len(made.mean), n_looks), "scale": (len(made.scale), n_looks),
        "weights": (len(made.weights), n_kinds), "bias": (len(made.bias), n_kinds),
        "each row of weights": (min(map(len, made.weights), default=0), n_looks),
        "the longest row of weights": (max(map(len, made.weights), default=0), n_looks),
    }  # fmt: skip
    for name, (is_so, should_be) in shapes.items():
        if is_so != should_be:
            return f"{name} has {is_so} numbers where {should_be} belong"
    numbers = np.concatenate((made.mean, made.scale, np.ravel(made.weights), made.bias))
    if not np.isfinite(numbers).all() or min(made.scale) <= 0:
        return "it holds numbers that are none, or a scale that is not above 0"
    return ""


def bad_names(kinds: tuple[str, ...]) -> str:
    """Return what is wrong with names of kinds; empty if nothing is."""
    if not 2 <= len(kinds) <= MOST_KINDS:
        return f"it needs 2 to {MOST_KINDS} kinds, and has {len(kinds)}"
    for name in kinds:
        if not NAME.fullmatch(name):
            return (
                f"a kind is called {name!r}: a name begins with a letter and has letters, digits, "
                "spaces, _ and -, 40 at most"
            )
    columns = [re.sub(r"[^A-Za-z0-9]+", "_", name).lower() for name in kinds]
    if len(set(columns)) < len(columns):
        return f"two kinds have the same name: {', '.join(kinds)}"
    return ""
