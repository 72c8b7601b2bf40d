"""Reaching an engine: the one client of the service, what the two say to each other, and where an engine is.

The add-on imports all of it, so it needs numpy and requests only. The service needs ``protocol`` alone:
without requests it and each of its workers take 5 MiB less, and start sooner.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isa_engine.client.connection import EngineUnreachable, RequestRefused
    from isa_engine.client.engine_client import EngineClient

__all__ = ["EngineClient", "EngineUnreachable", "RequestRefused"]


def __getattr__(name: str) -> type:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from isa_engine.client import connection, engine_client

    return getattr(engine_client if name == "EngineClient" else connection, name)
