"""What can go wrong between the camera and the disk. The whole tree: `acquire.errors`."""

from __future__ import annotations

from acquire.errors import ScopeError


class StreamError(ScopeError, RuntimeError):
    """The stream of frames cannot go on."""


class BadMessage(StreamError, ValueError):
    """Bytes on the wire are not one of our messages."""


class BadDetections(StreamError, ValueError):
    """Detections that are nowhere, or have no size: not a number, or infinite."""


class FrameLapped(StreamError):
    """A ring slot was overwritten before its reader was done."""


class RunFileError(ScopeError, OSError):
    """A run file cannot be written or read."""


class KindsError(ScopeError, ValueError):
    """A classifier of cells, or what it is to learn from, cannot be used."""
