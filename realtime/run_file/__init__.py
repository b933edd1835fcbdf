"""The run file: everything that a run saw, decided and gave, in plain HDF5."""

from realtime.run_file.examine import Examination, Fault, Verdict, examine
from realtime.run_file.parts import part_paths, resume_point
from realtime.run_file.reader import RunReader
from realtime.run_file.repair import Repaired, repair, repaired_path
from realtime.run_file.writer import RunWriter

__all__ = [
    "Examination",
    "Fault",
    "Repaired",
    "RunReader",
    "RunWriter",
    "Verdict",
    "examine",
    "part_paths",
    "repair",
    "repaired_path",
    "resume_point",
]
