"""One service: its data folder, its workers and its HTTP port, from start to stop."""

import contextlib
import gc
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

import isa_engine
from isa_engine.client.tokens import check_token
from isa_engine.errors import EngineError, reason
from isa_engine.results.provenance import configured_signer
from isa_engine.sandbox.confined import keep_memory_private
from isa_engine.service.files.folders import QUEUE, Folders
from isa_engine.service.http.access import check_exposure, is_loopback
from isa_engine.service.http.api import create_app
from isa_engine.service.http.connections import limited, most_connections
from isa_engine.service.http.tokens import Tokens
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.operation.footprint import stay_small
from isa_engine.service.operation.logs import log_to_stderr
from isa_engine.service.operation.waiting import WAIT_SECONDS, Waiting
from isa_engine.service.queue.claims import WORKERS_A_HOST
from isa_engine.service.queue.sqlite import unusable
from isa_engine.service.queue.store import JobStore
from isa_engine.service.upkeep.inspection import glance_at_all
from isa_engine.service.upkeep.lock import held
from isa_engine.service.upkeep.queue_watch import LOOK_SECONDS, QueueWatch
from isa_engine.service.upkeep.retention import TICK_SECONDS, Retention
from isa_engine.service.work.supervisor import Supervisor

# -P: what lies in the folder that someone happened to start the engine in is not imported.
WORKER = (sys.executable, "-P", "-m", "isa_engine.service.work.worker")
CLUSTER_WORKER = (sys.executable, "-P", "-m", "isa_engine.service.work.cluster")
SHUTDOWN_SECONDS = 3
# Connections at once; far above what event streams and clients take, below what memory bears.
CONNECTIONS = 4096
THREAD_SECONDS = 0.001
_STRAYS = (
    "Files of %d jobs lie in %s that this queue does not know. They are left as they are, uploads for %g "
    "days. If they are of a queue that was lost, bring it back: isa-engine queue restore --data %s"
)

log = logging.getLogger(__name__)


def serve(
    config: ServiceConfig,
    data: Path,
    token: str = "",
    stop_with_stdin: bool = False,
    worker: Sequence[str] = WORKER,
) -> None:
    """Serve until SIGTERM, SIGINT or, if asked for, the end of standard input.

    SIGTERM drains: nothing new is taken, running steps end, their jobs are put back for the next start.

    The first line on standard output is ``{"url", "token", "identity", "version"}`` as JSON. The token there
    is the fresh one of this run; one that the caller chose stays unsaid. By the identity the caller knows
    this run again (``client.identity``).

    Args:
        data: folder of the queue and the results; one service at a time.
        token: empty makes a fresh one, on loopback only.
        worker: command of the worker process.

    Raises:
        EngineError: the address, the certificate or the folder cannot be used.
    """
    check_token(token, "ISA_ENGINE_TOKEN")
    stored = not token and not is_loopback(config.host) and _has_tokens(config.store or data / QUEUE)
    protected = bool(config.tls_certificate) or config.behind_proxy
    check_exposure(config.host, token_chosen=bool(token) or stored, protected=protected)
    _check_certificate(config)
    # Read now, so that a missing signing key is told at the start and not after the first plate.
    configured_signer()
    webhook_key = _webhook_key(config)
    log_to_stderr(config.log)
    _set_up_process()
    with (
        held(data, config.store, config.results) as (folders, lock),
        _numbered(config),
        _listen(config.host, config.port) as listener,
        contextlib.closing(JobStore(folders.queue, own=True)) as store,
    ):
        first = config.host_number * WORKERS_A_HOST
        own = range(first, first + WORKERS_A_HOST)
        _take_up(store, folders, own, config.keep_days)
        conditions = Conditions()
        secret = token or (secrets.token_urlsafe(32) if is_loopback(config.host) else None)
        identity = secrets.token_urlsafe(32)
        app = create_app(store, folders, secret, config, conditions, identity)
        # The garbage collector need not look again through what was imported: each look stopped the service
        # for 0.2 s.
        gc.collect()
        gc.freeze()
        server = _Server(app, config)
        with contextlib.ExitStack() as workers:
            for number, device in zip(own, config.devices.split(","), strict=False):
                supervisor = Supervisor(store, folders, worker, config, number, device.strip(), conditions)
                server.supervisors.append(workers.enter_context(supervisor))
            known = {"token": None if token else secret, "identity": identity}
            first_line = {"url": _url(listener, config), **known}
            print(json.dumps({**first_line, "version": isa_engine.__version__}), flush=True)
            if stop_with_stdin:
                threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
            _repeat("retention", TICK_SECONDS, Retention(store, folders, config.keep_days).tick)
            waiting = Waiting(store, conditions)
            _repeat("waiting", WAIT_SECONDS / 2, waiting.tell)
            # Where hosts share a queue, the first of them tells.
            if config.webhook and config.host_number == 0:
                _tell_others(config.webhook, webhook_key, store, waiting)
            if not config.store:
                watch = QueueWatch(store, conditions, server.renew_workers, lock)
                _repeat("queue-watch", LOOK_SECONDS, watch.look)
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends event streams as soon as it is to stop, and drains the workers at SIGTERM."""

    def __init__(self, app: FastAPI, config: ServiceConfig):
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=config.behind_proxy,
                http=limited(most_connections(CONNECTIONS)),
                # No route speaks WebSocket, and the library for it need not be loaded.
                ws="none",
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                ssl_certfile=config.tls_certificate or None,
                ssl_keyfile=config.tls_key or None,
            )
        )
        self.supervisors: list[Supervisor] = []
        self.feed = app.state.feed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        for supervisor in self.supervisors:
            supervisor.drains = sig == signal.SIGTERM
        super().handle_exit(sig, frame)

    def renew_workers(self) -> None:
        """Have the workers open the queue anew."""
        for supervisor in self.supervisors:
            supervisor.renew()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.feed.close()
        await super().shutdown(sockets)


def _set_up_process() -> None:
    """What holds for the whole process, and in part for the workers that it starts."""
    # uvicorn shuts down on the first signal and then raises it again: the workers still have to be stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Files of the service and its workers are readable by their user alone.
    os.umask(0o077)
    # It holds the token, and what decodes foreign pictures runs as the same user.
    keep_memory_private()
    stay_small()
    # The event loop waits this long at most for a thread that computes, such as one that reads a shot.
    sys.setswitchinterval(THREAD_SECONDS)


def _has_tokens(queue: str | Path) -> bool:
    if isinstance(queue, Path) and not queue.is_file():
        return False
    with contextlib.closing(JobStore(queue)) as store:
        return any(found.revoked is None for found in Tokens(store).list())


def _webhook_key(config: ServiceConfig) -> bytes:
    if not config.webhook:
        return b""
    # Only here, for it brings requests along, which a service without one does not need.
    from isa_engine.service.operation.webhook import key_of

    return key_of(config.webhook_secret)


def _tell_others(url: str, key: bytes, store: JobStore, waiting: Waiting) -> None:
    # Only here, as for ``_webhook_key``.
    from isa_engine.service.operation import webhook

    _repeat("webhook", webhook.LOOK_SECONDS, webhook.Webhook(url, key, store, waiting).tell)


@contextlib.contextmanager
def _numbered(config: ServiceConfig) -> Iterator[None]:
    """Hold the host's number where hosts share a queue."""
    if not config.store:
        yield
        return
    # Only here, for it needs psycopg.
    from isa_engine.service.queue.host_number import HostNumber

    with contextlib.closing(HostNumber(config.store, config.host_number)) as number:
        _repeat("host-number", LOOK_SECONDS, number.keep)
        yield


def _check_certificate(config: ServiceConfig) -> None:
    if not config.tls_certificate:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.tls_certificate, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        remedy = "Give the PEM files of a certificate and of its own key."
        where = config.tls_certificate
        raise EngineError(
            f"the certificate cannot be used: {reason(error)}", where=where, remedy=remedy
        ) from error


def _take_up(store: JobStore, folders: Folders, workers: range, keep_days: float) -> None:
    """Go on from what the last run left.

    Raises:
        EngineError: the disk is full, or fails.
    """
    try:
        store.recover(workers)
        store.forget_workers(workers)
        _look_through(store, folders, keep_days)
    except OSError as error:
        raise unusable(folders.root, error) from error


def _look_through(store: JobStore, folders: Folders, keep_days: float) -> None:
    """Hold the queue against the files beside it. Nothing is deleted for it."""
    if strays := folders.tidy(store.jobs()):
        log.warning(_STRAYS, len(strays), folders.root, keep_days, folders.root)
    for job in glance_at_all(store, folders):
        log.error("%s", store.status(job).error, extra={"job": job})


def _repeat(name: str, seconds: float, work: Callable[[], None]) -> None:
    """Do something again and again for as long as the service lives, whatever becomes of it."""

    def keep_on() -> None:
        pause = threading.Event()
        while True:
            try:
                work()
            except Exception:
                log.exception("%s failed and goes on", name)
            pause.wait(seconds)

    threading.Thread(target=keep_on, name=name, daemon=True).start()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        remedy = "Choose another --port (0 takes a free one) or --host."
        raise EngineError(f"cannot listen: {reason(error)}", where=f"{host}:{port}", remedy=remedy) from error
    # Connections inherit it; without, an answer's body waits until the client has acknowledged its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket, config: ServiceConfig) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "https" if config.tls_certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _stop_with_stdin(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
