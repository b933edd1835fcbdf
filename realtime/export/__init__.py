"""A run in other programs' formats: images, and the cells that were followed."""

from realtime.export.export import Wanted, export_run

__all__ = ["Wanted", "export_run"]
