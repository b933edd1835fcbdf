"""Which kind each cell is of: what a small classifier says that was learnt from labelled cells."""

from realtime.kinds.classifier import Classifier, read_classifier, write_classifier

__all__ = ["Classifier", "read_classifier", "write_classifier"]
