"""How many connections there are, and who has to go when there is no room for another.

Whoever connects and asks for nothing holds a file descriptor. Such a connection ends after some seconds, and
sooner where others need its place; so a stranger who opens many keeps nobody out who has something to ask.
"""

import asyncio
import json
import logging
from collections import OrderedDict

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from isa_engine.errors import IsaError
from isa_engine.service.http.refusals import form

# Seconds for a request's head to come in.
HEAD_SECONDS = 10
# Descriptors for everything but connections: the queue, files that are read and written, the workers.
RESERVED = 200
_REFUSED = IsaError("The engine has too many connections", remedy="Try again later.")
_BODY = json.dumps(form("busy", _REFUSED)).encode()
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)

log = logging.getLogger(__name__)


def most_connections(wanted: int) -> int:
    """How many connections this process can hold, after raising its own limit as far as it may."""
    try:
        import resource
    except ImportError:
        # Windows limits no descriptors.
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted + RESERVED
    if soft < enough:
        soft = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    # Where there are few, half of them are for connections.
    return min(wanted, max(soft - RESERVED, soft // 2))


class Connections(AutoHTTPProtocol):
    """A connection that ends when it says nothing; a class of its own for each service (``limited``)."""

    most: int
    silent: "OrderedDict[Connections, asyncio.TimerHandle]"

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            oldest = next(iter(self.silent))
            if oldest is self:
                log.warning("a connection is refused: there are %d", self.most)
            oldest._refuse()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        asking = self.cycle is not None and not self.cycle.response_complete
        if asking:
            self._heard()
        elif self not in self.silent and not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        super().connection_lost(exc)

    def _wait(self) -> None:
        # It is closed without an answer: a client that was only slow asks again over another connection.
        self.silent[self] = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._end)

    def _heard(self) -> None:
        if (timer := self.silent.pop(self, None)) is not None:
            timer.cancel()

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_FULL)
        self._end()

    def _end(self) -> None:
        self._heard()
        self.transport.close()


def limited(most: int) -> type[Connections]:
    """The protocol of one service, with so many connections at once."""
    return type("Limited", (Connections,), {"most": most, "silent": OrderedDict()})
