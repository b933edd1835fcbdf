"""The window: a listener of the stream, never a part of the loop. `gui.app.show` opens it."""

from gui.model import RunView
from gui.source import Source, StreamSource

__all__ = ["RunView", "Source", "StreamSource"]
