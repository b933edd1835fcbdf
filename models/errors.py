"""What can go wrong with a network. The whole tree of errors: `acquire.errors`."""

from __future__ import annotations


class ModelError(RuntimeError):
    """A model package cannot be used: missing, damaged, or made for another task."""


class EngineUnavailable(ModelError):
    """An engine cannot run on this machine; the message is the reason, ready for a table."""


class ParityError(ModelError):
    """An engine's answer is too far from the package's stored reference."""


class FrameRefused(ModelError, ValueError):
    """An image cannot be what the network was opened for: another size, or no real numbers."""
