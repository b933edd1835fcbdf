"""The truth beside a run of a simulated microscope: written apart, judged by, never decided by."""

from realtime.truth.layout import About, run_path, truth_path
from realtime.truth.reader import TruthReader
from realtime.truth.writer import TruthWriter

__all__ = ["About", "TruthReader", "TruthWriter", "run_path", "truth_path"]
