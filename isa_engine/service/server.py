"""One service: its data folder, its worker and its HTTP port, from start to stop."""

import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn

import isa_engine
from isa_engine.errors import EngineError
from isa_engine.service.access import check_exposure
from isa_engine.service.api import create_app
from isa_engine.service.folders import held
from isa_engine.service.store import JobStore
from isa_engine.service.supervisor import Supervisor

# -P: what lies in the folder that someone happened to start the engine in is not imported.
WORKER = (sys.executable, "-P", "-m", "isa_engine.service.worker")
SHUTDOWN_SECONDS = 3


def serve(
    host: str,
    port: int,
    data: Path,
    token: str = "",
    stop_with_stdin: bool = False,
    worker: Sequence[str] = WORKER,
) -> None:
    """Serve until SIGTERM, SIGINT or, if asked for, the end of standard input.

    The first line on standard output is ``{"url", "token", "version"}`` as JSON. The token there is the fresh
    one of this run; one that the caller chose stays unsaid.

    Args:
        port: 0 takes a free one.
        data: folder of the queue and the results; one service at a time.
        token: empty makes a fresh one, on loopback only.
        worker: command of the worker process.

    Raises:
        EngineError: the address or the folder cannot be used.
    """
    check_exposure(host, token_chosen=bool(token))
    # uvicorn shuts down on the first signal and then raises it again: the worker still has to be stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    with held(data) as folders, _listen(host, port) as listener:
        store = JobStore(folders.queue)
        store.recover()
        folders.sweep(store.jobs())
        secret = token or secrets.token_urlsafe(32)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(store, folders, secret),
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        with Supervisor(store, folders, worker):
            first_line = {"url": _url(listener), "token": None if token else secret}
            print(json.dumps({**first_line, "version": isa_engine.__version__}), flush=True)
            if stop_with_stdin:
                threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
        store.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        remedy = "Choose another --port (0 takes a free one) or --host."
        raise EngineError(
            f"cannot listen: {error.strerror}", where=f"{host}:{port}", remedy=remedy
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _stop_with_stdin(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
