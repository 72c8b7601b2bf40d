"""A host's number in a queue that hosts share is one service's, for as long as its process lives.

A host that starts puts back the jobs of its own number: of two with the same, each would take the other's
away, again and again.
"""

import logging
import time

import psycopg

from isa_engine.errors import EngineError
from isa_engine.service.queue.postgres import host_of

# Key of the advisory locks of hosts; the number is the other half.
_HOSTS = 715003
# A host that lost its power is noticed by the database after so many seconds: silence, probes, and the time
# between them.
_SILENCE, _PROBES, _BETWEEN = 10, 3, 5
# So long a host that starts again waits for itself to be gone.
WAIT_SECONDS = 30
_TAKEN = "Host number %d is another host's, too, since the database was away. Stop one of them."

log = logging.getLogger(__name__)


class HostNumber:
    """The number, held by a connection of its own.

    Args:
        url: as of ``postgres.Postgres``.
        number: ``host_number`` of the configuration.
        seconds: to wait for whoever has it.

    Raises:
        EngineError: another host has it, or the database cannot be reached.
    """

    def __init__(self, url: str, number: int, seconds: float = WAIT_SECONDS):
        self._url, self._number, self._left = url, number, False
        host = host_of(url)
        deadline = time.monotonic() + seconds
        try:
            self._connection = self._connect()
            while not self._take():
                if time.monotonic() > deadline:
                    self._connection.close()
                    remedy = "Give each host a --host-number of its own."
                    raise EngineError(f"another host has number {number}", where=host, remedy=remedy)
                time.sleep(min(1.0, seconds))
        except psycopg.OperationalError as error:
            raise EngineError(f"the queue's database cannot be reached: {error}", where=host) from error

    def keep(self) -> None:
        """Take it again where the connection was lost; where another host was faster, the log says so."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.OperationalError:
            if self._left:
                return
            self._connection.close()
            self._connection = self._connect()
            if not self._take():
                log.error(_TAKEN, self._number)
                # Asked again the next time.
                self._connection.close()

    def close(self) -> None:
        """Leave the number to others."""
        self._left = True
        self._connection.close()

    def _connect(self) -> psycopg.Connection:
        connection = psycopg.connect(self._url, autocommit=True)
        for setting, value in (("idle", _SILENCE), ("count", _PROBES), ("interval", _BETWEEN)):
            connection.execute(f"SET tcp_keepalives_{setting} = {value}")
        return connection

    def _take(self) -> bool:
        asked = "SELECT pg_try_advisory_lock(%s, %s)"
        return self._connection.execute(asked, (_HOSTS, self._number)).fetchone()[0]
