"""What a worker knows of each field outlives it: the next one goes on with the same cells."""

from realtime.memory.files import KnownFiles
from realtime.memory.known import CellsLight, Known, LastingTracker, Past
from realtime.memory.recollection import Recollection

__all__ = ["CellsLight", "Known", "KnownFiles", "LastingTracker", "Past", "Recollection"]
