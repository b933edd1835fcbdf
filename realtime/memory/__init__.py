"""What a worker knows of each field outlives it: the next one goes on with its cells and light."""

from realtime.memory.files import KnownFiles
from realtime.memory.known import CellsLight, Known, Lasting, LastingTracker, Past
from realtime.memory.recollection import Recollection

__all__ = [
    "CellsLight",
    "Known",
    "KnownFiles",
    "Lasting",
    "LastingTracker",
    "Past",
    "Recollection",
]
