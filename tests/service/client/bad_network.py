"""A network that breaks connections off where it is told, or falls silent there."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

_CHUNK = 2**16


@contextlib.contextmanager
def broken(url: str, cut: Callable[[int], int | None], silent: bool = False) -> Iterator[str]:
    """An address that leads to the engine at ``url``.

    Args:
        cut: of a connection's number, the byte of what the engine says after which it breaks off; None: it
            does not.
        silent: it does not break off then, and nothing more comes.
    """
    there, over = urlsplit(url), threading.Event()

    def forward(source: socket.socket, target: socket.socket, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(_CHUNK if left is None else min(left, _CHUNK)):
                target.sendall(content)
                left = None if left is None else left - len(content)
        if silent and left == 0:
            over.wait()
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def connect(client: socket.socket, left: int | None) -> None:
        with client, socket.create_connection((there.hostname, there.port)) as engine:
            asking = threading.Thread(target=forward, args=(client, engine, None), daemon=True)
            asking.start()
            forward(engine, client, left)
            asking.join()

    def listen() -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                parts = (listener.accept()[0], cut(number))
                threading.Thread(target=connect, args=parts, daemon=True).start()
                number += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
