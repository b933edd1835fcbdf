"""The network of a package as a torch module. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.errors import EngineUnavailable
from models.package import WEIGHTS

if TYPE_CHECKING:
    from models.package import Package


def import_torch() -> Any:
    """Return torch.

    Raises
    ------
    EngineUnavailable
        If it is not installed, or does not load.
    """
    try:
        import torch
    except (ImportError, OSError) as err:
        raise EngineUnavailable(f"torch cannot be imported: {err}") from err
    return torch


def torch_net(package: Package) -> Any:
    """Return the network with its weights, float32, on the CPU, ready to answer."""
    torch = import_torch()
    from models.unet import LiteUNet

    net = LiteUNet.of(package.manifest)
    arrays = package.arrays(WEIGHTS)
    net.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return net.eval()
