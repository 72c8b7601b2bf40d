"""Watches over connections: a time limit for whole exchanges, and who is at the other end.

A socket's own timeout begins anew with every byte that comes, however they trickle in. Here a timer shuts the
socket itself, so that whoever waits for it gets an error at once.
"""

import _thread
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from isa_engine.client.identity import prove
from isa_engine.client.whole_head import WholeHead
from isa_engine.errors import Cancelled

# Seconds between two looks whether somebody still waits for what comes.
LOOK_SECONDS = 0.2


class Watchdog(HTTPAdapter):
    """Connections of a session that can be cut off; for one thread at a time.

    Args:
        identity: of the engine that has to be there; empty: whoever is there.

    Attributes:
        late: the exchange that goes on, or the last one, was cut off.
    """

    def __init__(self, identity: str = ""):
        self.identity = identity
        self._socket: socket.socket | None = None
        self.late = False
        self._pools = {
            "http": _watched(self, HTTPConnection, HTTPConnectionPool),
            "https": _watched(self, HTTPSConnection, HTTPSConnectionPool),
        }
        super().__init__()

    def init_poolmanager(self, *arguments, **options) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments, **options):
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def used(self, used: socket.socket | None) -> None:
        """The exchange that begins goes over this socket."""
        self._socket = used

    @contextlib.contextmanager
    def within(self, seconds: float, stopped: Callable[[], bool] | None = None) -> Iterator[None]:
        """Cut off what the block asks for once it has taken so long.

        Args:
            stopped: whether nobody waits for it any more, which is looked at now and then.

        Raises:
            Cancelled: nobody does.
            TimeoutError: it had.
        """
        if stopped is not None and stopped():
            raise Cancelled
        self.late, descriptors = False, []
        deadline = time.monotonic() + seconds

        def cut() -> None:
            self.late = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                # Linux goes on to hand out what the other side goes on to send.
                descriptors.append(self._socket.detach())

        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_pause(deadline, stopped)):
                if time.monotonic() >= deadline or (stopped is not None and stopped()):
                    cut()
                    return

        # Not a Thread, whose start waits until it runs: on a busy machine every exchange would wait for that.
        _thread.start_new_thread(watch, ())
        try:
            yield
        except Exception as error:
            if self.late:
                raise _reason(stopped) from error
            raise
        finally:
            ended.set()
            # Not sooner: its number would be given to another file, from which this thread might then read.
            for descriptor in descriptors:
                socket.close(descriptor)
        if self.late:
            raise _reason(stopped)


def _pause(deadline: float, stopped: Callable[[], bool] | None) -> float:
    """Seconds until the next look whether something is to be cut off."""
    left = max(deadline - time.monotonic(), 0)
    return left if stopped is None else min(left, LOOK_SECONDS)


def _reason(stopped: Callable[[], bool] | None) -> Exception:
    """Why something was cut off."""
    return Cancelled() if stopped is not None and stopped() else TimeoutError()


def _watched(watchdog: Watchdog, connection: type, pool: type) -> type:
    """A pool whose connections tell the watchdog which socket they use."""

    class Connection(connection):
        response_class = WholeHead

        def connect(self) -> None:
            super().connect()
            watchdog.used(self.sock)
            if watchdog.identity:
                prove(self.sock, self.host, watchdog.identity)

        def request(self, *arguments, **options):
            watchdog.used(self.sock)
            return super().request(*arguments, **options)

    class Pool(pool):
        ConnectionCls = Connection

    return Pool
