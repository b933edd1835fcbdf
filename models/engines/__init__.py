"""Engines: what runs a network on this machine. Nothing heavy is imported until one is opened."""

from models.engines.engine import Engine, EngineInfo
from models.engines.gate import open_engine

__all__ = ["Engine", "EngineInfo", "open_engine"]
