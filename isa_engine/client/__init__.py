"""Reaching an engine: the one client of the service, what the two say to each other, and where an engine is.

The add-on imports all of it, so it needs numpy and requests only.
"""

from isa_engine.client.connection import EngineUnreachable
from isa_engine.client.engine_client import EngineClient

__all__ = ["EngineClient", "EngineUnreachable"]
