"""The command line. A verb loads, builds and calls; only here is anything printed."""

from lightloop.cli.app import app

__all__ = ["app"]
