"""``isa-engine serve``: the engine as a service, for this machine's Blender or for others."""

import argparse
import os
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

HELP = "serve Blender on this machine or on others"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="any other address needs a token of yours in ISA_ENGINE_TOKEN"
    )
    parser.add_argument("--port", type=int, default=8642, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep queue and results here; else they go when the engine stops",
    )
    parser.add_argument(
        "--stop-with-stdin",
        action="store_true",
        help="stop when standard input ends, as it does with its owner",
    )


def run(arguments: argparse.Namespace, worker: Sequence[str] = ()) -> None:
    """Serve. ``worker``: another worker's command than the engine's own."""
    from isa_engine.service import server

    scratch = tempfile.TemporaryDirectory(prefix="isa-engine-", ignore_cleanup_errors=True)
    with nullcontext(arguments.data) if arguments.data else scratch as data:
        server.serve(
            arguments.host,
            arguments.port,
            Path(data),
            os.environ.get("ISA_ENGINE_TOKEN", ""),
            arguments.stop_with_stdin,
            worker or server.WORKER,
        )
