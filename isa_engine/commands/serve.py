"""``isa-engine serve``: the engine as a service, for this machine's Blender or for others."""

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields
from functools import partial
from pathlib import Path

from isa_engine.errors import EngineError
from isa_engine.given_path import GivenPath

HELP = "serve Blender on this machine or on others"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", action=GivenPath, metavar="FILE", help="TOML file with any of these settings"
    )
    parser.add_argument("--host", help="address; any but loopback needs a token and TLS (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="0 takes a free one (default: 8642)")
    parser.add_argument(
        "--data",
        action=GivenPath,
        metavar="DIR",
        help="keep queue and results here; else they go when the engine stops",
    )
    parser.add_argument("--tls-certificate", action=GivenPath, metavar="FILE", help="PEM; serve HTTPS")
    parser.add_argument("--tls-key", action=GivenPath, metavar="FILE", help="PEM; the certificate's key")
    parser.add_argument(
        "--behind-proxy", action="store_true", default=None, help="a proxy before the engine speaks TLS"
    )
    parser.add_argument("--store", metavar="URL", help="postgresql://...: a queue that several hosts share")
    parser.add_argument("--results", metavar="URL", help="where shots and results lie for them (fsspec)")
    parser.add_argument("--host-number", type=int, metavar="N", help="of this host among them (default: 0)")
    parser.add_argument("--ray", metavar="ADDRESS", help="run jobs on this Ray cluster (extra cluster)")
    parser.add_argument("--ray-gpus", type=float, metavar="N", help="GPUs that a task takes (default: 1)")
    parser.add_argument(
        "--devices", help="a worker each, separated by commas, or for one worker joined by + (default: auto)"
    )
    parser.add_argument(
        "--compile", action="store_true", default=None, help="compile transformers when they are loaded"
    )
    parser.add_argument(
        "--stop-with-stdin",
        action="store_true",
        help="stop when standard input ends, as it does with its owner",
    )


def run(arguments: argparse.Namespace, worker: Sequence[str] = ()) -> None:
    """Serve until stopped.

    Args:
        worker: the command that starts a worker; the engine's own by default.
    """
    from isa_engine.service import server
    from isa_engine.service.operation.configuration import ServiceConfig, read_config

    names = {field.name for field in fields(ServiceConfig)}
    flags = {name: value for name, value in vars(arguments).items() if name in names}
    config = read_config(arguments.config, **flags)
    scratch = partial(tempfile.TemporaryDirectory, prefix="isa-engine-", ignore_cleanup_errors=True)
    with nullcontext(config.data) if config.data else scratch() as data:
        token = os.environ.get("ISA_ENGINE_TOKEN", "")
        worker = worker or (_cluster(config) if config.ray else server.WORKER)
        server.serve(config, Path(data), token, arguments.stop_with_stdin, worker)


def _cluster(config) -> Sequence[str]:
    """The command of a worker that runs its jobs on a Ray cluster.

    Raises:
        EngineError: Ray is not installed.
    """
    from isa_engine.service import server

    if importlib.util.find_spec("ray") is None:
        raise EngineError("Ray is not installed", remedy="pip install 'isa-engine[cluster]'")
    return (*server.CLUSTER_WORKER, "--ray", config.ray, "--ray-gpus", str(config.ray_gpus))
