"""How a service is to run: one TOML file, the environment, the command line; the later wins.

In the file a key is a field's name; in the environment it is ``ISA_ENGINE_`` and the name in capitals. The
token is in neither: it is a secret, in ``ISA_ENGINE_TOKEN`` alone or stored by ``isa-engine token``.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from isa_engine.address import without_password
from isa_engine.errors import EngineError, reason
from isa_engine.given_path import given_path
from isa_engine.service.queue.claims import WORKERS_A_HOST

# No number is greater: the system waits for no longer, and as many bytes or days mean "without end".
_MOST = 10**9
# Keys that name a file or folder, and may be empty.
_PLACES = "data", "tls_certificate", "tls_key"
_TRUE, _FALSE = ("1", "true", "yes"), ("0", "false", "no", "")


@dataclass(frozen=True)
class ServiceConfig:
    """How a service is run.

    Attributes:
        host: address to listen on; any but loopback needs a token and TLS.
        port: 0 takes a free one.
        data: folder of queue and results; empty: they go when the engine stops.
        tls_certificate, tls_key: PEM files; empty: plain HTTP.
        behind_proxy: a proxy on the way speaks TLS.
        devices: a worker each, separated by commas: "cuda:0,cuda:1"; "auto" takes a GPU if there is one.
        compile: whether workers compile the models that can be.
        store: ``postgresql://…``, a queue that several hosts share; empty: SQLite in ``data``. No password in
            it: libpq finds it in ``PGPASSFILE``.
        results: URL for fsspec, where shots and results lie for all hosts; empty: in ``data``.
        host_number: of this host among those that share a store, from 0; no two have the same.
        ray: address of a Ray cluster on which jobs run; empty: they run here. ``devices`` is how many at
            once.
        ray_gpus: that a task of the cluster takes.
        upload_mib: of the largest shot file.
        frames: of the longest shot.
        pixels: of the largest plate.
        jobs_per_token: waiting or running at once.
        gib_per_token: of shots and results kept.
        job_hours: that one job may take.
        silent_minutes: after which a worker that tells nothing of its job is ended, and the job put back.
        keep_days: until a job that is over is deleted.
        free_gib: no job begins with less room than this on the data folder's disk.
        drain_seconds: that the running step has to end in, at SIGTERM.
        webhook: address that is told, by a POST, of jobs that are done or failed and of a queue that stands
            still.
        webhook_secret: base64 of the key that signs what it is told.
        log: "text", or "json" for one object a line.
    """

    host: str = "127.0.0.1"
    port: int = 8642
    data: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    devices: str = "auto"
    compile: bool = False
    store: str = ""
    results: str = ""
    host_number: int = 0
    ray: str = ""
    ray_gpus: float = 1
    upload_mib: float = 512
    frames: int = 4096
    pixels: int = 4096 * 4096
    jobs_per_token: int = 1000
    gib_per_token: float = 1000
    job_hours: float = 24
    silent_minutes: float = 60
    keep_days: float = 30
    free_gib: float = 0.2
    drain_seconds: float = 30
    webhook: str = ""
    # Not shown where a configuration is printed.
    webhook_secret: str = field(default="", repr=False)
    log: str = "text"

    @property
    def upload_limit(self) -> int:
        return int(self.upload_mib * 2**20)

    @property
    def bytes_per_token(self) -> int:
        return int(self.gib_per_token * 2**30)


def read_config(
    path: Path | None, environment: Mapping[str, str] = os.environ, **flags: Any
) -> ServiceConfig:
    """The configuration of a service.

    Args:
        path: of the TOML file, if there is one.
        flags: of the command line; None where not given.

    Raises:
        EngineError: a key is unknown, or a value does not fit; it is named.
        IsaError: a path is none (``given_path``).
    """
    config = ServiceConfig()
    if path is not None:
        import tomllib

        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            remedy = "Name a TOML file."
            raise EngineError(
                f"cannot read the configuration: {reason(error)}", where=str(path), remedy=remedy
            ) from error
        config = _with(config, found, str(path))
    names = {f"ISA_ENGINE_{field.name.upper()}": field for field in fields(ServiceConfig)}
    shown = {
        field.name: _parsed(environment[name], field.type, name)
        for name, field in names.items()
        if name in environment
    }
    config = _with(config, shown, "environment")
    given = {name: str(value) if isinstance(value, Path) else value for name, value in flags.items()}
    return _with(config, {name: value for name, value in given.items() if value is not None}, "command line")


def _with(config: ServiceConfig, values: Mapping[str, Any], where: str) -> ServiceConfig:
    kinds = {field.name: field.type for field in fields(ServiceConfig)}
    for name, value in values.items():
        if name not in kinds:
            remedy = f"The keys are {', '.join(kinds)}."
            raise EngineError(f"there is no key '{name}'", where=where, remedy=remedy)
        number = kinds[name] is float and type(value) is int
        if not number and type(value) is not kinds[name]:
            problem = f"{name} is {value!r}, which is not of type {kinds[name].__name__}"
            raise EngineError(problem, where=where)
        if kinds[name] in (int, float) and not 0 <= value <= _MOST:
            raise EngineError(f"{name} is {value!r}", where=where, remedy=f"Use a number from 0 to {_MOST}.")
    named = {name: str(given_path(values[name], name, where)) for name in _PLACES if values.get(name)}
    config = replace(config, **{**values, **named})
    if config.log not in ("text", "json"):
        raise EngineError(f"log is '{config.log}'", where=where, remedy="Use text or json.")
    if config.store and not config.store.startswith("postgresql://"):
        remedy = "Use postgresql://user@host/database."
        raise EngineError(f"store is '{without_password(config.store)}'", where=where, remedy=remedy)
    if config.webhook and not config.webhook.startswith(("http://", "https://")):
        # Not shown: its path may be a key.
        raise EngineError("webhook is no address", where=where, remedy="Use https://host/path.")
    if config.compile and config.ray:
        raise EngineError("nodes of a Ray cluster do not compile", where=where, remedy="Leave out compile.")
    if not all(part.strip() for part in re.split("[,+]", config.devices)):
        remedy = "Separate them by commas, or join those of one worker by +."
        raise EngineError(f"devices is '{config.devices}'", where=where, remedy=remedy)
    if config.host_number >= WORKERS_A_HOST:
        remedy = f"Use one below {WORKERS_A_HOST}."
        raise EngineError(f"host_number is {config.host_number}", where=where, remedy=remedy)
    if bool(config.tls_certificate) != bool(config.tls_key):
        remedy = "Give both tls_certificate and tls_key."
        raise EngineError("TLS needs a certificate and its key", where=where, remedy=remedy)
    return config


def _parsed(text: str, kind: type, name: str) -> Any:
    if kind is bool and text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    try:
        return text if kind is bool else kind(text)
    except ValueError as error:
        raise EngineError(
            f"{name} is '{text}', which is not of type {kind.__name__}", where="environment"
        ) from error
