"""A training that was killed goes on where it was: plain arrays in one file, never a pickle."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import torch

from models.errors import ModelError
from models.in_place import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW remembers of each parameter (Kingma & Ba, ICLR 2015)."""
_DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile)
"""What reading raises where a file was cut short, is another, or has a wrong bit."""


def save(
    path: Path,
    identity: str,
    net: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    best: dict[str, torch.Tensor],
    progress: Any,
) -> None:
    """Write the state of a training; a kill in the middle leaves the last one as it was.

    Parameters
    ----------
    identity
        What is trained, and how: only the same training may go on from here.
    best
        Weights of the best network so far; may be empty.
    progress
        A dataclass of plain values.
    """
    arrays = {f"net/{name}": value.numpy() for name, value in net.state_dict().items()}
    arrays |= {f"best/{name}": value.numpy() for name, value in best.items()}
    for index, state in optimiser.state_dict()["state"].items():
        arrays |= {f"moments/{index}/{key}": state[key].numpy() for key in _MOMENTS}
    arrays["about"] = _text({"identity": identity, "progress": asdict(progress)})
    path.parent.mkdir(parents=True, exist_ok=True)
    half_written = path.with_name(path.name + ".part")
    with half_written.open("wb") as file:
        np.savez(file, **arrays)
    put_in_place(half_written, path)


def load(
    path: Path, identity: str, net: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Bring net and optimiser back; return the best weights and the progress as a dict.

    Raises
    ------
    ModelError
        If the file is damaged, or belongs to another training.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        about = json.loads(arrays.pop("about").tobytes().decode("utf-8"))
    except _DAMAGED as err:
        raise ModelError(f"{path}: this checkpoint is damaged ({err}): delete it") from err
    if about["identity"] != identity:
        raise ModelError(
            f"{path}: this checkpoint belongs to another training ({about['identity']}), asked for "
            f"is {identity}: delete it, or give the same settings again"
        )
    net.load_state_dict(_part(arrays, "net/"))
    whole = optimiser.state_dict()
    moments = _part(arrays, "moments/")
    for index in range(len(list(net.parameters()))):
        whole["state"][index] = {key: moments[f"{index}/{key}"] for key in _MOMENTS}
    optimiser.load_state_dict(whole)
    return _part(arrays, "best/"), about["progress"]


def _part(arrays: dict[str, NDArray[Any]], start: str) -> dict[str, torch.Tensor]:
    """Return the tensors whose name begins so, without that beginning."""
    return {
        name.removeprefix(start): torch.from_numpy(np.array(array))
        for name, array in arrays.items()
        if name.startswith(start)
    }


def _text(values: dict[str, Any]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(values).encode("utf-8"), np.uint8)
