"""The run file: everything that a run saw, decided and gave, in plain HDF5."""

from realtime.run_file.parts import part_paths, resume_point
from realtime.run_file.reader import RunReader
from realtime.run_file.writer import RunWriter

__all__ = ["RunReader", "RunWriter", "part_paths", "resume_point"]
